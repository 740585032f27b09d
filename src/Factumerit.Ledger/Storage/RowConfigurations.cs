using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Factumerit.Ledger.Storage;

// One small class per row type. All names are explicit, so no EF convention affects the schema.

internal sealed class EntryConfiguration : IEntityTypeConfiguration<EntryRow>
{
    public void Configure(EntityTypeBuilder<EntryRow> row)
    {
        row.ToTable("ledger_entries").HasKey(r => r.Id).HasName("pk_ledger_entries");
        row.Property(r => r.Id).HasColumnName("id").UseIdentityByDefaultColumn();
        row.Property(r => r.TransactionId).HasColumnName("transaction_id");
        row.Property(r => r.Account).HasColumnName("account").UseCollation("C");
        row.Property(r => r.DebitCents).HasColumnName("debit_cents").HasPrecision(20, 7);
        row.Property(r => r.CreditCents).HasColumnName("credit_cents").HasPrecision(20, 7);
        row.Property(r => r.Description).HasColumnName("description");
        row.Property(r => r.ReferenceType).HasColumnName("reference_type");
        row.Property(r => r.ReferenceId).HasColumnName("reference_id");
        row.Property(r => r.CreatedAt).HasColumnName("created_at");
        row.Property(r => r.PostedBy).HasColumnName("posted_by");
    }
}

internal sealed class BudgetConfiguration : IEntityTypeConfiguration<BudgetRow>
{
    public void Configure(EntityTypeBuilder<BudgetRow> row)
    {
        row.ToTable("user_budgets").HasKey(r => r.UserId).HasName("pk_user_budgets");
        row.Property(r => r.UserId).HasColumnName("user_id").UseCollation("C");
        row.Property(r => r.BalanceCents).HasColumnName("balance_cents").HasPrecision(20, 7);
        row.Property(r => r.TotalSpentCents).HasColumnName("total_spent_cents").HasPrecision(30, 7);
        row.Property(r => r.TotalAddedCents).HasColumnName("total_added_cents").HasPrecision(30, 7);
        row.Property(r => r.PromoExpiresAt).HasColumnName("promo_expires_at");
        row.Property(r => r.CreatedAt).HasColumnName("created_at");
        row.Property(r => r.UpdatedAt).HasColumnName("updated_at");
        row.Property(r => r.DeletedAt).HasColumnName("deleted_at");
        row.Property(r => r.SignedUpAt).HasColumnName("signed_up_at");
        row.Property(r => r.OpeningCents).HasColumnName("opening_cents").HasPrecision(20, 7);
        row.Property(r => r.OpeningSpentCents).HasColumnName("opening_spent_cents").HasPrecision(30, 7)
            .HasDefaultValue(0m);
        row.Property(r => r.OpeningAddedCents).HasColumnName("opening_added_cents").HasPrecision(30, 7)
            .HasDefaultValue(0m);
        row.Property(r => r.DebitsCents).HasColumnName("debits_cents").HasPrecision(30, 7);
        row.Property(r => r.CreditsCents).HasColumnName("credits_cents").HasPrecision(30, 7);
        row.Property(r => r.EntryCount).HasColumnName("entry_count");
    }
}

internal sealed class BudgetTransactionConfiguration : IEntityTypeConfiguration<BudgetTransactionRow>
{
    public void Configure(EntityTypeBuilder<BudgetTransactionRow> row)
    {
        row.ToTable("budget_transactions").HasKey(r => r.Id).HasName("pk_budget_transactions");
        row.Property(r => r.Id).HasColumnName("id").UseIdentityByDefaultColumn();
        row.Property(r => r.UserId).HasColumnName("user_id").UseCollation("C");
        row.Property(r => r.AmountCents).HasColumnName("amount_cents").HasPrecision(20, 7);
        row.Property(r => r.BalanceAfter).HasColumnName("balance_after").HasPrecision(20, 7);
        row.Property(r => r.TransactionType).HasColumnName("transaction_type");
        row.Property(r => r.Description).HasColumnName("description");
        row.Property(r => r.CreatedAt).HasColumnName("created_at");
    }
}

internal sealed class UsageConfiguration : IEntityTypeConfiguration<UsageRow>
{
    public void Configure(EntityTypeBuilder<UsageRow> row)
    {
        row.ToTable("llm_usage").HasKey(r => r.Id).HasName("pk_llm_usage");
        row.Property(r => r.Id).HasColumnName("id").ValueGeneratedNever();
        row.Property(r => r.UserId).HasColumnName("user_id").UseCollation("C");
        row.Property(r => r.RequestId).HasColumnName("request_id").UseCollation("C");
        row.Property(r => r.Provider).HasColumnName("provider");
        row.Property(r => r.Model).HasColumnName("model");
        row.Property(r => r.PromptTokens).HasColumnName("prompt_tokens");
        row.Property(r => r.CompletionTokens).HasColumnName("completion_tokens");
        row.Property(r => r.CacheReadTokens).HasColumnName("cache_read_tokens");
        row.Property(r => r.CacheWriteTokens).HasColumnName("cache_write_tokens");
        row.Property(r => r.ReasoningTokens).HasColumnName("reasoning_tokens");
        row.Property(r => r.Usage).HasColumnName("usage").HasColumnType("jsonb");
        row.Property(r => r.ProviderCostUsd).HasColumnName("provider_cost_usd").HasColumnType("numeric");
        row.Property(r => r.UserPriceCents).HasColumnName("user_price_cents").HasPrecision(20, 7);
        row.Property(r => r.MarkupFactor).HasColumnName("markup_factor").HasColumnType("numeric");
        row.Property(r => r.PriceVersion).HasColumnName("price_version");
        row.Property(r => r.BillingStatus).HasColumnName("billing_status");
        row.Property(r => r.OccurredAt).HasColumnName("occurred_at");
        row.Property(r => r.CreatedAt).HasColumnName("created_at");
        row.Property(r => r.TransactionId).HasColumnName("transaction_id");
        row.Property(r => r.BalanceAfterCents).HasColumnName("balance_after_cents").HasPrecision(20, 7);
        row.Property(r => r.RequestHash).HasColumnName("request_hash");
        row.Property(r => r.Description).HasColumnName("description");
        row.Property(r => r.ReferenceId).HasColumnName("reference_id");
        row.Property(r => r.Metadata).HasColumnName("metadata").HasColumnType("json");
        row.Property(r => r.SourceSystem).HasColumnName("source_system").HasDefaultValue("api");
        row.Property(r => r.ExternalId).HasColumnName("external_id");
        row.Property(r => r.VirtualKeyId).HasColumnName("virtual_key_id");
        row.Property(r => r.ReviewReason).HasColumnName("review_reason");
        row.Property(r => r.ReviewedBy).HasColumnName("reviewed_by");
        row.Property(r => r.ReviewedAt).HasColumnName("reviewed_at");
        row.Property(r => r.ReviewNote).HasColumnName("review_note");
        row.Property(r => r.ReviewKey).HasColumnName("review_key");
        row.Property(r => r.ReviewHash).HasColumnName("review_hash");
        row.Property(r => r.ReviewBalanceCents).HasColumnName("review_balance_cents").HasPrecision(20, 7);
        row.Property(r => r.FilledAt).HasColumnName("filled_at");
        row.Property(r => r.PayerHint).HasColumnName("payer_hint").HasColumnType("jsonb");
        row.Property(r => r.PostedBy).HasColumnName("posted_by");
        row.Property(r => r.ReviewedById).HasColumnName("reviewed_by_id");
    }
}

internal sealed class UsageAliasConfiguration : IEntityTypeConfiguration<UsageAliasRow>
{
    public void Configure(EntityTypeBuilder<UsageAliasRow> row)
    {
        row.ToTable("usage_aliases").HasKey(r => new { r.SourceSystem, r.ExternalId }).HasName("pk_usage_aliases");
        row.Property(r => r.SourceSystem).HasColumnName("source_system").UseCollation("C");
        row.Property(r => r.ExternalId).HasColumnName("external_id").UseCollation("C");
        row.Property(r => r.UsageId).HasColumnName("usage_id");
    }
}

internal sealed class ProviderUsageCostConfiguration : IEntityTypeConfiguration<ProviderUsageCostRow>
{
    public void Configure(EntityTypeBuilder<ProviderUsageCostRow> row)
    {
        row.ToTable("provider_usage_costs").HasKey(r => r.Provider).HasName("pk_provider_usage_costs");
        row.Property(r => r.Provider).HasColumnName("provider").UseCollation("C");
        row.Property(r => r.CostUsd).HasColumnName("cost_usd").HasColumnType("numeric");
        row.Property(r => r.WrittenDownCents).HasColumnName("written_down_cents").HasPrecision(30, 7);
    }
}

internal sealed class AccountTotalConfiguration : IEntityTypeConfiguration<AccountTotalRow>
{
    public void Configure(EntityTypeBuilder<AccountTotalRow> row)
    {
        row.ToTable("account_totals").HasKey(r => r.Account).HasName("pk_account_totals");
        row.Property(r => r.Account).HasColumnName("account").UseCollation("C");
        row.Property(r => r.DebitsCents).HasColumnName("debits_cents").HasPrecision(30, 7);
        row.Property(r => r.CreditsCents).HasColumnName("credits_cents").HasPrecision(30, 7);
        row.Property(r => r.EntryCount).HasColumnName("entry_count");
    }
}

internal sealed class IdempotencyKeyConfiguration : IEntityTypeConfiguration<IdempotencyKeyRow>
{
    public void Configure(EntityTypeBuilder<IdempotencyKeyRow> row)
    {
        row.ToTable("idempotency_keys").HasKey(r => new { r.Operation, r.Key }).HasName("pk_idempotency_keys");
        row.Property(r => r.Operation).HasColumnName("operation").UseCollation("C");
        row.Property(r => r.Key).HasColumnName("key").UseCollation("C");
        row.Property(r => r.RequestHash).HasColumnName("request_hash");
        row.Property(r => r.Answer).HasColumnName("answer").HasColumnType("json");
        row.Property(r => r.Status).HasColumnName("status");
        row.Property(r => r.CreatedAt).HasColumnName("created_at");
    }
}

internal sealed class OriginConfiguration : IEntityTypeConfiguration<OriginRow>
{
    public void Configure(EntityTypeBuilder<OriginRow> row)
    {
        row.ToTable("ledger_origin").HasKey(r => r.Id).HasName("pk_ledger_origin");
        row.Property(r => r.Id).HasColumnName("id").ValueGeneratedNever();
        row.Property(r => r.OpeningCents).HasColumnName("opening_cents").HasPrecision(30, 7);
        row.Property(r => r.LastEntryId).HasColumnName("last_entry_id");
        row.Property(r => r.LastBudgetTransactionId).HasColumnName("last_budget_transaction_id");
        row.Property(r => r.BeganAt).HasColumnName("began_at");
    }
}

internal sealed class FaultConfiguration : IEntityTypeConfiguration<FaultRow>
{
    public void Configure(EntityTypeBuilder<FaultRow> row)
    {
        row.ToTable("ledger_faults").HasKey(r => r.Id).HasName("pk_ledger_faults");
        row.HasIndex(r => new { r.Kind, r.Subject }).IsUnique().HasFilter("resolved_at IS NULL")
            .HasDatabaseName("uq_ledger_faults_standing");
        row.Property(r => r.Id).HasColumnName("id").UseIdentityByDefaultColumn();
        row.Property(r => r.FoundAt).HasColumnName("found_at");
        row.Property(r => r.LastSeenAt).HasColumnName("last_seen_at");
        row.Property(r => r.ResolvedAt).HasColumnName("resolved_at");
        row.Property(r => r.Kind).HasColumnName("kind").UseCollation("C");
        row.Property(r => r.Subject).HasColumnName("subject").UseCollation("C");
        row.Property(r => r.Detail).HasColumnName("detail");
        row.Property(r => r.ResolvedBy).HasColumnName("resolved_by");
        row.Property(r => r.Reason).HasColumnName("reason");
    }
}

internal sealed class AccountBalanceConfiguration : IEntityTypeConfiguration<AccountBalanceRow>
{
    public void Configure(EntityTypeBuilder<AccountBalanceRow> row)
    {
        row.ToView("account_balances").HasNoKey();
        row.Property(r => r.Account).HasColumnName("account");
        row.Property(r => r.BalanceCents).HasColumnName("balance_cents");
        row.Property(r => r.TotalDebits).HasColumnName("total_debits");
        row.Property(r => r.TotalCredits).HasColumnName("total_credits");
        row.Property(r => r.EntryCount).HasColumnName("entry_count");
    }
}

internal sealed class UserLedgerBalanceConfiguration : IEntityTypeConfiguration<UserLedgerBalanceRow>
{
    public void Configure(EntityTypeBuilder<UserLedgerBalanceRow> row)
    {
        row.ToView("user_ledger_balances").HasNoKey();
        row.Property(r => r.UserId).HasColumnName("user_id");
        row.Property(r => r.BalanceCents).HasColumnName("balance_cents");
    }
}

internal sealed class LedgerIntegrityConfiguration : IEntityTypeConfiguration<LedgerIntegrityRow>
{
    public void Configure(EntityTypeBuilder<LedgerIntegrityRow> row)
    {
        row.ToView("ledger_integrity").HasNoKey();
        row.Property(r => r.TotalDebits).HasColumnName("total_debits");
        row.Property(r => r.TotalCredits).HasColumnName("total_credits");
        row.Property(r => r.Imbalance).HasColumnName("imbalance");
    }
}
