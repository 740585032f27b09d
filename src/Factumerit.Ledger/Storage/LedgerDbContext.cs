using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// The tables and views as EF Core maps them: the only description of the schema in C#. Reads are LINQ queries. The
/// writer's transactions belong to a context, too, and save rows with set-based statements that are built from its
/// model.
/// </summary>
public sealed class LedgerDbContext(DbContextOptions<LedgerDbContext> options) : DbContext(options)
{
    public DbSet<EntryRow> Entries => Set<EntryRow>();
    public DbSet<BudgetRow> Budgets => Set<BudgetRow>();
    public DbSet<Hold> Holds => Set<Hold>();
    public DbSet<BudgetTransactionRow> BudgetTransactions => Set<BudgetTransactionRow>();
    public DbSet<UsageRow> Usages => Set<UsageRow>();
    public DbSet<UsageAliasRow> UsageAliases => Set<UsageAliasRow>();
    public DbSet<ProviderUsageCostRow> ProviderUsageCosts => Set<ProviderUsageCostRow>();
    public DbSet<PriceVersionRow> PriceVersions => Set<PriceVersionRow>();
    public DbSet<PriceCancellationRow> PriceCancellations => Set<PriceCancellationRow>();
    public DbSet<ModelPriceRow> ModelPrices => Set<ModelPriceRow>();
    public DbSet<VirtualKey> VirtualKeys => Set<VirtualKey>();
    public DbSet<OutboxRow> Outbox => Set<OutboxRow>();
    public DbSet<AccountTotalRow> AccountTotals => Set<AccountTotalRow>();
    public DbSet<IdempotencyKeyRow> IdempotencyKeys => Set<IdempotencyKeyRow>();
    public DbSet<FaultRow> Faults => Set<FaultRow>();
    public DbSet<OriginRow> Origins => Set<OriginRow>();
    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();
    public DbSet<ApiKeyChangesRow> ApiKeyChanges => Set<ApiKeyChangesRow>();
    public DbSet<ActorRow> Actors => Set<ActorRow>();
    public DbSet<AuditLogRow> AuditLog => Set<AuditLogRow>();
    public DbSet<AccountBalanceRow> AccountBalances => Set<AccountBalanceRow>();
    public DbSet<UserLedgerBalanceRow> UserLedgerBalances => Set<UserLedgerBalanceRow>();
    public DbSet<LedgerIntegrityRow> LedgerIntegrity => Set<LedgerIntegrityRow>();

    /// <summary>The time of the database's clock, in a query.</summary>
    [DbFunction("now", IsBuiltIn = true)]
    public static DateTimeOffset Now() => throw new InvalidOperationException("Only the database knows its time.");

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(LedgerDbContext).Assembly);
}
