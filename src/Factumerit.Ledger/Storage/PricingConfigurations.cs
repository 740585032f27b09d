using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Maps versions of the price book. Names are explicit, as in all configurations. Only the SQL of the migrations
/// declares foreign keys.
/// </summary>
internal sealed class PriceVersionConfiguration : IEntityTypeConfiguration<PriceVersionRow>
{
    public void Configure(EntityTypeBuilder<PriceVersionRow> row)
    {
        row.ToTable("price_versions").HasKey(r => r.Version).HasName("pk_price_versions");
        row.Property(r => r.Version).HasColumnName("version").UseIdentityByDefaultColumn();
        row.Property(r => r.ValidFrom).HasColumnName("valid_from");
        row.Property(r => r.ContentHash).HasColumnName("content_hash");
        row.Property(r => r.Source).HasColumnName("source");
        row.Property(r => r.ImportedBy).HasColumnName("imported_by");
        row.Property(r => r.ImportedById).HasColumnName("imported_by_id");
        row.Property(r => r.ImportedAt).HasColumnName("imported_at");
        row.Property(r => r.Added).HasColumnName("added");
        row.Property(r => r.Changed).HasColumnName("changed");
        row.Property(r => r.Gone).HasColumnName("gone");
    }
}

internal sealed class ModelPriceConfiguration : IEntityTypeConfiguration<ModelPriceRow>
{
    public void Configure(EntityTypeBuilder<ModelPriceRow> row)
    {
        row.ToTable("model_prices").HasKey(r => new { r.Model, r.Version }).HasName("pk_model_prices");
        row.Property(r => r.Model).HasColumnName("model").UseCollation("C");
        row.Property(r => r.Version).HasColumnName("version").ValueGeneratedNever();
        row.Property(r => r.Provider).HasColumnName("provider");
        row.Property(r => r.ValidFrom).HasColumnName("valid_from");
        row.Property(r => r.InputUsdPerToken).HasColumnName("input_usd_per_token").HasColumnType("numeric");
        row.Property(r => r.OutputUsdPerToken).HasColumnName("output_usd_per_token").HasColumnType("numeric");
        row.Property(r => r.CacheReadUsdPerToken).HasColumnName("cache_read_usd_per_token").HasColumnType("numeric");
        row.Property(r => r.CacheWriteUsdPerToken).HasColumnName("cache_write_usd_per_token").HasColumnType("numeric");
        row.Property(r => r.ReasoningUsdPerToken).HasColumnName("reasoning_usd_per_token").HasColumnType("numeric");
        row.Property(r => r.Mode).HasColumnName("mode");
        row.Property(r => r.OtherPrices).HasColumnName("other_prices").HasColumnType("jsonb");
        row.Property(r => r.IsGone).HasColumnName("is_gone").HasDefaultValue(false);
    }
}

internal sealed class PriceCancellationConfiguration : IEntityTypeConfiguration<PriceCancellationRow>
{
    public void Configure(EntityTypeBuilder<PriceCancellationRow> row)
    {
        row.ToTable("price_cancellations").HasKey(r => r.Version).HasName("pk_price_cancellations");
        row.Property(r => r.Version).HasColumnName("version").ValueGeneratedNever();
        row.Property(r => r.CancelledAt).HasColumnName("cancelled_at");
        row.Property(r => r.CancelledBy).HasColumnName("cancelled_by");
    }
}
