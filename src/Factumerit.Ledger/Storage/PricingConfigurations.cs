using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Factumerit.Ledger.Storage;

/// <summary>Maps versions of the price book. Only the SQL of the migrations declares foreign keys.</summary>
internal sealed class PriceVersionConfiguration : IEntityTypeConfiguration<PriceVersionRow>
{
    public void Configure(EntityTypeBuilder<PriceVersionRow> row)
    {
        row.ToTable("price_versions").HasKey(r => r.Version).HasName("pk_price_versions");
        row.Property(r => r.Version).UseIdentityByDefaultColumn();
    }
}

internal sealed class ModelPriceConfiguration : IEntityTypeConfiguration<ModelPriceRow>
{
    public void Configure(EntityTypeBuilder<ModelPriceRow> row)
    {
        row.ToTable("model_prices").HasKey(r => new { r.Model, r.Version }).HasName("pk_model_prices");
        row.Property(r => r.Model).UseCollation("C");
        row.Property(r => r.Version).ValueGeneratedNever();
        row.Property(r => r.InputUsdPerToken).HasColumnType("numeric");
        row.Property(r => r.OutputUsdPerToken).HasColumnType("numeric");
        row.Property(r => r.CacheReadUsdPerToken).HasColumnType("numeric");
        row.Property(r => r.CacheWriteUsdPerToken).HasColumnType("numeric");
        row.Property(r => r.ReasoningUsdPerToken).HasColumnType("numeric");
        row.Property(r => r.OtherPrices).HasColumnType("jsonb");
        row.Property(r => r.IsGone).HasDefaultValue(false);
    }
}

internal sealed class PriceCancellationConfiguration : IEntityTypeConfiguration<PriceCancellationRow>
{
    public void Configure(EntityTypeBuilder<PriceCancellationRow> row)
    {
        row.ToTable("price_cancellations").HasKey(r => r.Version).HasName("pk_price_cancellations");
        row.Property(r => r.Version).ValueGeneratedNever();
    }
}
