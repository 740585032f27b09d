using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Benchmarks.Plain;

/// <summary>
/// The tables that one usage touches, mapped as tracked entities. One plain statement inserts the two entries.
/// </summary>
internal sealed class PlainDbContext(DbContextOptions<PlainDbContext> options) : DbContext(options)
{
    public DbSet<PlainBudget> Budgets => Set<PlainBudget>();
    public DbSet<PlainUsage> Usages => Set<PlainUsage>();
    public DbSet<PlainHistory> History => Set<PlainHistory>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<PlainBudget>().ToTable("user_budgets").HasKey(b => b.UserId);
        modelBuilder.Entity<PlainUsage>().ToTable("llm_usage");
        modelBuilder.Entity<PlainHistory>().ToTable("budget_transactions");
        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(e => e.GetProperties()))
            property.SetColumnName(System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
    }
}

internal sealed class PlainBudget
{
    public string UserId { get; set; } = "";
    public decimal BalanceCents { get; set; }
    public decimal TotalSpentCents { get; set; }
    public decimal DebitsCents { get; set; }
    public long EntryCount { get; set; }
    public DateTime UpdatedAt { get; set; }
}

internal sealed class PlainUsage
{
    public Guid Id { get; set; }
    public string UserId { get; set; } = "";
    public string RequestId { get; set; } = "";
    public string? Model { get; set; }
    public int? PromptTokens { get; set; }
    public int? CompletionTokens { get; set; }
    public decimal UserPriceCents { get; set; }
    public string BillingStatus { get; set; } = "billed";
    public DateTime OccurredAt { get; set; }
    public DateTime CreatedAt { get; set; }
    public Guid TransactionId { get; set; }
    public decimal BalanceAfterCents { get; set; }
    public long RequestHash { get; set; }
}

internal sealed class PlainHistory
{
    public long Id { get; set; }
    public string UserId { get; set; } = "";
    public decimal AmountCents { get; set; }
    public decimal BalanceAfter { get; set; }
    public string TransactionType { get; set; } = "llm_call";
    public DateTime CreatedAt { get; set; }
}
