using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Factumerit.Ledger.Storage;

// One small class per row type. Columns are named by the snake case convention; all other names are explicit.

internal sealed class EntryConfiguration : IEntityTypeConfiguration<EntryRow>
{
    public void Configure(EntityTypeBuilder<EntryRow> row)
    {
        row.ToTable("ledger_entries").HasKey(r => r.Id).HasName("pk_ledger_entries");
        row.Property(r => r.Id).UseIdentityByDefaultColumn();
        row.Property(r => r.Account).UseCollation("C");
        row.Property(r => r.DebitCents).HasPrecision(20, 7);
        row.Property(r => r.CreditCents).HasPrecision(20, 7);
    }
}

internal sealed class BudgetConfiguration : IEntityTypeConfiguration<BudgetRow>
{
    public void Configure(EntityTypeBuilder<BudgetRow> row)
    {
        row.ToTable("user_budgets").HasKey(r => r.UserId).HasName("pk_user_budgets");
        row.Property(r => r.UserId).UseCollation("C");
        row.Property(r => r.BalanceCents).HasPrecision(20, 7);
        row.Property(r => r.TotalSpentCents).HasPrecision(30, 7);
        row.Property(r => r.TotalAddedCents).HasPrecision(30, 7);
        row.Property(r => r.OpeningCents).HasPrecision(20, 7);
        row.Property(r => r.OpeningSpentCents).HasPrecision(30, 7)
            .HasDefaultValue(0m);
        row.Property(r => r.OpeningAddedCents).HasPrecision(30, 7)
            .HasDefaultValue(0m);
        row.Property(r => r.DebitsCents).HasPrecision(30, 7);
        row.Property(r => r.CreditsCents).HasPrecision(30, 7);
        row.Property(r => r.HeldCents).HasPrecision(20, 7)
            .HasDefaultValue(0m);
        row.Property(r => r.HoldsVersion).HasDefaultValue(0L);
    }
}

internal sealed class HoldConfiguration : IEntityTypeConfiguration<Hold>
{
    public void Configure(EntityTypeBuilder<Hold> row)
    {
        row.ToTable("holds").HasKey(r => r.Id).HasName("pk_holds");
        row.HasIndex(r => new { r.UserId, r.ExternalId }).IsUnique().HasFilter("state = 'open'")
            .HasDatabaseName("uq_holds_open_external_id");
        // The condition is not that of the other index, so that no look-up by user takes this one instead.
        row.HasIndex(r => r.ExpiresAt).HasFilter("closed_at IS NULL").HasDatabaseName("ix_holds_open_expires_at");
        row.HasIndex(r => new { r.UserId, r.Id }).HasDatabaseName("ix_holds_user");
        row.Property(r => r.Id).ValueGeneratedNever();
        row.Property(r => r.UserId).UseCollation("C");
        row.Property(r => r.State).UseCollation("C");
        row.Property(r => r.ExternalId).UseCollation("C");
        row.Property(r => r.AnswerKey).UseCollation("C");
        row.Property(r => r.RequestedCents).HasPrecision(20, 7);
        row.Property(r => r.HeldCents).HasPrecision(20, 7);
        row.Property(r => r.SettledCents).HasPrecision(30, 7);
        row.Property(r => r.Metadata).HasColumnType("json");
        row.Ignore(r => r.IsOpen);
        row.Ignore(r => r.CoversUsage);
    }
}

internal sealed class BudgetTransactionConfiguration : IEntityTypeConfiguration<BudgetTransactionRow>
{
    public void Configure(EntityTypeBuilder<BudgetTransactionRow> row)
    {
        row.ToTable("budget_transactions").HasKey(r => r.Id).HasName("pk_budget_transactions");
        row.Property(r => r.Id).UseIdentityByDefaultColumn();
        row.Property(r => r.UserId).UseCollation("C");
        row.Property(r => r.AmountCents).HasPrecision(20, 7);
        row.Property(r => r.BalanceAfter).HasPrecision(20, 7);
    }
}

internal sealed class UsageConfiguration : IEntityTypeConfiguration<UsageRow>
{
    public void Configure(EntityTypeBuilder<UsageRow> row)
    {
        row.ToTable("llm_usage").HasKey(r => r.Id).HasName("pk_llm_usage");
        row.Property(r => r.Id).ValueGeneratedNever();
        row.Property(r => r.UserId).UseCollation("C");
        row.Property(r => r.RequestId).UseCollation("C");
        row.Property(r => r.Usage).HasColumnType("jsonb");
        row.Property(r => r.ProviderCostUsd).HasColumnType("numeric");
        row.Property(r => r.UserPriceCents).HasPrecision(20, 7);
        row.Property(r => r.MarkupFactor).HasColumnType("numeric");
        row.Property(r => r.BalanceAfterCents).HasPrecision(20, 7);
        row.Property(r => r.Metadata).HasColumnType("json");
        row.Property(r => r.SourceSystem).HasDefaultValue("api");
        row.Property(r => r.ReviewBalanceCents).HasPrecision(20, 7);
        row.Property(r => r.PayerHint).HasColumnType("jsonb");
    }
}

internal sealed class UsageAliasConfiguration : IEntityTypeConfiguration<UsageAliasRow>
{
    public void Configure(EntityTypeBuilder<UsageAliasRow> row)
    {
        row.ToTable("usage_aliases").HasKey(r => new { r.SourceSystem, r.ExternalId }).HasName("pk_usage_aliases");
        row.Property(r => r.SourceSystem).UseCollation("C");
        row.Property(r => r.ExternalId).UseCollation("C");
    }
}

internal sealed class ProviderUsageCostConfiguration : IEntityTypeConfiguration<ProviderUsageCostRow>
{
    public void Configure(EntityTypeBuilder<ProviderUsageCostRow> row)
    {
        row.ToTable("provider_usage_costs").HasKey(r => r.Provider).HasName("pk_provider_usage_costs");
        row.Property(r => r.Provider).UseCollation("C");
        row.Property(r => r.CostUsd).HasColumnType("numeric");
        row.Property(r => r.WrittenDownCents).HasPrecision(30, 7);
    }
}

internal sealed class AccountTotalConfiguration : IEntityTypeConfiguration<AccountTotalRow>
{
    public void Configure(EntityTypeBuilder<AccountTotalRow> row)
    {
        row.ToTable("account_totals").HasKey(r => r.Account).HasName("pk_account_totals");
        row.Property(r => r.Account).UseCollation("C");
        row.Property(r => r.DebitsCents).HasPrecision(30, 7);
        row.Property(r => r.CreditsCents).HasPrecision(30, 7);
    }
}

internal sealed class IdempotencyKeyConfiguration : IEntityTypeConfiguration<IdempotencyKeyRow>
{
    public void Configure(EntityTypeBuilder<IdempotencyKeyRow> row)
    {
        row.ToTable("idempotency_keys").HasKey(r => new { r.Operation, r.Key }).HasName("pk_idempotency_keys");
        row.Property(r => r.Operation).UseCollation("C");
        row.Property(r => r.Key).UseCollation("C");
        row.Property(r => r.Answer).HasColumnType("json");
    }
}

internal sealed class OriginConfiguration : IEntityTypeConfiguration<OriginRow>
{
    public void Configure(EntityTypeBuilder<OriginRow> row)
    {
        row.ToTable("ledger_origin").HasKey(r => r.Id).HasName("pk_ledger_origin");
        row.Property(r => r.Id).ValueGeneratedNever();
        row.Property(r => r.OpeningCents).HasPrecision(30, 7);
    }
}

internal sealed class FaultConfiguration : IEntityTypeConfiguration<FaultRow>
{
    public void Configure(EntityTypeBuilder<FaultRow> row)
    {
        row.ToTable("ledger_faults").HasKey(r => r.Id).HasName("pk_ledger_faults");
        row.HasIndex(r => new { r.Kind, r.Subject }).IsUnique().HasFilter("resolved_at IS NULL")
            .HasDatabaseName("uq_ledger_faults_standing");
        row.Property(r => r.Id).UseIdentityByDefaultColumn();
        row.Property(r => r.Kind).UseCollation("C");
        row.Property(r => r.Subject).UseCollation("C");
    }
}

internal sealed class AccountBalanceConfiguration : IEntityTypeConfiguration<AccountBalanceRow>
{
    public void Configure(EntityTypeBuilder<AccountBalanceRow> row)
    {
        row.ToView("account_balances").HasNoKey();
    }
}

internal sealed class UserLedgerBalanceConfiguration : IEntityTypeConfiguration<UserLedgerBalanceRow>
{
    public void Configure(EntityTypeBuilder<UserLedgerBalanceRow> row)
    {
        row.ToView("user_ledger_balances").HasNoKey();
    }
}

internal sealed class LedgerIntegrityConfiguration : IEntityTypeConfiguration<LedgerIntegrityRow>
{
    public void Configure(EntityTypeBuilder<LedgerIntegrityRow> row)
    {
        row.ToView("ledger_integrity").HasNoKey();
    }
}
