using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Factumerit.Ledger.Storage;

/// <summary>Maps users' keys at the gateway. Only the SQL of the migrations declares foreign keys.</summary>
internal sealed class VirtualKeyConfiguration : IEntityTypeConfiguration<VirtualKey>
{
    public void Configure(EntityTypeBuilder<VirtualKey> row)
    {
        row.ToTable("virtual_keys").HasKey(r => r.Id).HasName("pk_virtual_keys");
        row.HasIndex(r => r.Alias).IsUnique().HasDatabaseName("uq_virtual_keys_alias");
        row.HasIndex(r => r.KeyHash).IsUnique().HasDatabaseName("uq_virtual_keys_key_hash");
        row.Property(r => r.Id).ValueGeneratedNever();
        row.Property(r => r.UserId).UseCollation("C");
        row.Property(r => r.Alias).UseCollation("C");
        row.Property(r => r.KeyHash).UseCollation("C");
        row.Property(r => r.MaxBudgetUsd).HasColumnType("numeric");
        row.Property(r => r.IsBlocked).HasDefaultValue(false);
    }
}

internal sealed class OutboxConfiguration : IEntityTypeConfiguration<OutboxRow>
{
    public void Configure(EntityTypeBuilder<OutboxRow> row)
    {
        row.ToTable("outbox").HasKey(r => r.Id).HasName("pk_outbox");
        row.Property(r => r.Id).UseIdentityByDefaultColumn();
        row.Property(r => r.Kind).UseCollation("C");
        row.Property(r => r.OrderingKey).UseCollation("C");
        row.Property(r => r.Payload).HasColumnType("jsonb");
        row.Property(r => r.Attempts).HasDefaultValue(0);
    }
}
