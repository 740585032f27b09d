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
        row.Property(r => r.Id).ValueGeneratedNever();
        row.Property(r => r.KeyPrefix).UseCollation("C");
        row.Property(r => r.MayOverdraw).HasDefaultValue(false);
        row.Property(r => r.MayIntake).HasDefaultValue(false);
        row.Property(r => r.OldKeyPrefix).UseCollation("C");
    }
}

internal sealed class ActorConfiguration : IEntityTypeConfiguration<ActorRow>
{
    public void Configure(EntityTypeBuilder<ActorRow> row)
    {
        row.ToTable("actors").HasKey(r => r.ActorId).HasName("pk_actors");
        row.HasIndex(r => r.ApiKeyId).IsUnique().HasDatabaseName("uq_actors_api_key");
        row.Property(r => r.ActorId).UseIdentityByDefaultColumn();
    }
}

internal sealed class AuditLogConfiguration : IEntityTypeConfiguration<AuditLogRow>
{
    public void Configure(EntityTypeBuilder<AuditLogRow> row)
    {
        row.ToTable("audit_log").HasKey(r => r.Id).HasName("pk_audit_log");
        row.Property(r => r.Id).UseIdentityByDefaultColumn();
        row.Property(r => r.Action).UseCollation("C");
        row.Property(r => r.Detail).HasColumnType("jsonb");
    }
}

internal sealed class ApiKeyChangesConfiguration : IEntityTypeConfiguration<ApiKeyChangesRow>
{
    public void Configure(EntityTypeBuilder<ApiKeyChangesRow> row)
    {
        row.ToTable("api_key_changes").HasKey(r => r.Id).HasName("pk_api_key_changes");
        row.Property(r => r.Id).ValueGeneratedNever();
    }
}
