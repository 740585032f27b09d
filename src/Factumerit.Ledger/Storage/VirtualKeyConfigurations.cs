using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Maps users' keys at LiteLLM. Names are explicit, as in all configurations. Only the SQL of the migrations declares
/// foreign keys.
/// </summary>
internal sealed class VirtualKeyConfiguration : IEntityTypeConfiguration<VirtualKey>
{
    public void Configure(EntityTypeBuilder<VirtualKey> row)
    {
        row.ToTable("virtual_keys").HasKey(r => r.Id).HasName("pk_virtual_keys");
        row.HasIndex(r => r.Alias).IsUnique().HasDatabaseName("uq_virtual_keys_alias");
        row.HasIndex(r => r.KeyHash).IsUnique().HasDatabaseName("uq_virtual_keys_key_hash");
        row.Property(r => r.Id).HasColumnName("id").ValueGeneratedNever();
        row.Property(r => r.UserId).HasColumnName("user_id").UseCollation("C");
        row.Property(r => r.Label).HasColumnName("label");
        row.Property(r => r.Alias).HasColumnName("alias").UseCollation("C");
        row.Property(r => r.KeyHash).HasColumnName("key_hash").UseCollation("C");
        row.Property(r => r.KeyName).HasColumnName("key_name");
        row.Property(r => r.Models).HasColumnName("models");
        row.Property(r => r.MaxBudgetUsd).HasColumnName("max_budget_usd").HasColumnType("numeric");
        row.Property(r => r.ExpiresAt).HasColumnName("expires_at");
        row.Property(r => r.Status).HasColumnName("status");
        row.Property(r => r.IsBlocked).HasColumnName("is_blocked").HasDefaultValue(false);
        row.Property(r => r.CreatedBy).HasColumnName("created_by");
        row.Property(r => r.CreatedById).HasColumnName("created_by_id");
        row.Property(r => r.CreatedAt).HasColumnName("created_at");
        row.Property(r => r.UpdatedAt).HasColumnName("updated_at");
        row.Property(r => r.RevokedAt).HasColumnName("revoked_at");
        row.Property(r => r.CheckedAt).HasColumnName("checked_at");
        row.Property(r => r.LastError).HasColumnName("last_error");
    }
}

internal sealed class OutboxConfiguration : IEntityTypeConfiguration<OutboxRow>
{
    public void Configure(EntityTypeBuilder<OutboxRow> row)
    {
        row.ToTable("outbox").HasKey(r => r.Id).HasName("pk_outbox");
        row.Property(r => r.Id).HasColumnName("id").UseIdentityByDefaultColumn();
        row.Property(r => r.Kind).HasColumnName("kind").UseCollation("C");
        row.Property(r => r.OrderingKey).HasColumnName("ordering_key").UseCollation("C");
        row.Property(r => r.Payload).HasColumnName("payload").HasColumnType("jsonb");
        row.Property(r => r.CreatedAt).HasColumnName("created_at");
        row.Property(r => r.Attempts).HasColumnName("attempts").HasDefaultValue(0);
        row.Property(r => r.NextAttemptAt).HasColumnName("next_attempt_at");
        row.Property(r => r.LastError).HasColumnName("last_error");
    }
}
