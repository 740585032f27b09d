using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Factumerit.Ledger.Storage;

/// <summary>Maps API keys, actors and the audit log. Only the SQL of the migrations declares foreign keys.</summary>
internal sealed class ApiKeyConfiguration : IEntityTypeConfiguration<ApiKey>
{
    public void Configure(EntityTypeBuilder<ApiKey> row)
    {
        row.ToTable("api_keys").HasKey(r => r.Id).HasName("pk_api_keys");
        row.HasIndex(r => r.KeyPrefix).IsUnique().HasDatabaseName("uq_api_keys_key_prefix");
        row.HasIndex(r => r.OldKeyPrefix).IsUnique().HasDatabaseName("uq_api_keys_old_key_prefix");
        row.Property(r => r.Id).HasColumnName("id").ValueGeneratedNever();
        row.Property(r => r.Name).HasColumnName("name");
        row.Property(r => r.Role).HasColumnName("role");
        row.Property(r => r.UserPrefix).HasColumnName("user_prefix");
        row.Property(r => r.KeyPrefix).HasColumnName("key_prefix").UseCollation("C");
        row.Property(r => r.SecretHash).HasColumnName("secret_hash");
        row.Property(r => r.CreatedAt).HasColumnName("created_at");
        row.Property(r => r.RevokedAt).HasColumnName("revoked_at");
        row.Property(r => r.MayOverdraw).HasColumnName("may_overdraw").HasDefaultValue(false);
        row.Property(r => r.MayIntake).HasColumnName("may_intake").HasDefaultValue(false);
        row.Property(r => r.MadeBy).HasColumnName("made_by");
        row.Property(r => r.LastUsedAt).HasColumnName("last_used_at");
        row.Property(r => r.ExpiresAt).HasColumnName("expires_at");
        row.Property(r => r.OldKeyPrefix).HasColumnName("old_key_prefix").UseCollation("C");
        row.Property(r => r.OldSecretHash).HasColumnName("old_secret_hash");
        row.Property(r => r.OldSecretEndsAt).HasColumnName("old_secret_ends_at");
    }
}

internal sealed class ActorConfiguration : IEntityTypeConfiguration<ActorRow>
{
    public void Configure(EntityTypeBuilder<ActorRow> row)
    {
        row.ToTable("actors").HasKey(r => r.ActorId).HasName("pk_actors");
        row.HasIndex(r => r.ApiKeyId).IsUnique().HasDatabaseName("uq_actors_api_key");
        row.Property(r => r.ActorId).HasColumnName("actor_id").UseIdentityByDefaultColumn();
        row.Property(r => r.ApiKeyId).HasColumnName("api_key_id");
        row.Property(r => r.Name).HasColumnName("name");
    }
}

internal sealed class AuditLogConfiguration : IEntityTypeConfiguration<AuditLogRow>
{
    public void Configure(EntityTypeBuilder<AuditLogRow> row)
    {
        row.ToTable("audit_log").HasKey(r => r.Id).HasName("pk_audit_log");
        row.Property(r => r.Id).HasColumnName("id").UseIdentityByDefaultColumn();
        row.Property(r => r.At).HasColumnName("at");
        row.Property(r => r.ActorId).HasColumnName("actor_id");
        row.Property(r => r.Action).HasColumnName("action").UseCollation("C");
        row.Property(r => r.Subject).HasColumnName("subject");
        row.Property(r => r.Detail).HasColumnName("detail").HasColumnType("jsonb");
    }
}

internal sealed class ApiKeyChangesConfiguration : IEntityTypeConfiguration<ApiKeyChangesRow>
{
    public void Configure(EntityTypeBuilder<ApiKeyChangesRow> row)
    {
        row.ToTable("api_key_changes").HasKey(r => r.Id).HasName("pk_api_key_changes");
        row.Property(r => r.Id).HasColumnName("id").ValueGeneratedNever();
        row.Property(r => r.Version).HasColumnName("version");
    }
}
