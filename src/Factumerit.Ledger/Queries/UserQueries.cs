using System.Linq.Expressions;
using System.Text.Json;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Factumerit.Ledger.Queries;

/// <summary>
/// Reads the data of one user, or the list of users. Queries track and lock nothing, and a failed query has changed
/// nothing.
/// </summary>
public sealed class UserQueries(LedgerDatabase database)
{
    private static readonly Expression<Func<HeldBudget, Budget>> ToBudget = held => new Budget
    {
        UserId = held.Budget.UserId,
        BalanceCents = held.Budget.BalanceCents,
        HeldCents = held.HeldCents,
        TotalSpentCents = held.Budget.TotalSpentCents,
        TotalAddedCents = held.Budget.TotalAddedCents,
        PromoExpiresAt = held.Budget.PromoExpiresAt,
        SignedUpAt = held.Budget.SignedUpAt,
        CreatedAt = held.Budget.CreatedAt,
        UpdatedAt = held.Budget.UpdatedAt,
        DeletedAt = held.Budget.DeletedAt,
    };

    private const string BudgetOf = """
        SELECT user_id, balance_cents, total_spent_cents, total_added_cents, promo_expires_at, created_at, updated_at,
               deleted_at, signed_up_at,
               CASE WHEN holds_expire_at <= now()
                    THEN held_cents - (SELECT coalesce(sum(h.held_cents), 0) FROM holds h
                                       WHERE h.user_id = $1 AND h.state = 'open' AND h.expires_at <= now())
                    ELSE held_cents END
        FROM user_budgets WHERE user_id = $1
        """;

    /// <summary>Finds a user's budget, also a deleted user's; null for an unknown user.</summary>
    public async Task<Budget?> FindBudgetAsync(string userId, CancellationToken cancellationToken)
    {
        // Plain SQL: gateways call this before every LLM call, and translating a LINQ query would cost several times
        // as much as the query itself.
        await using var command = database.Readers.CreateCommand(BudgetOf);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = userId });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new Budget
            {
                UserId = reader.GetString(0),
                BalanceCents = reader.GetDecimal(1),
                TotalSpentCents = reader.GetDecimal(2),
                TotalAddedCents = reader.GetDecimal(3),
                PromoExpiresAt = reader.GetFieldValue<DateTimeOffset?>(4),
                CreatedAt = reader.GetFieldValue<DateTimeOffset>(5),
                UpdatedAt = reader.GetFieldValue<DateTimeOffset>(6),
                DeletedAt = reader.GetFieldValue<DateTimeOffset?>(7),
                SignedUpAt = reader.GetFieldValue<DateTimeOffset?>(8),
                HeldCents = reader.GetDecimal(9),
            }
            : null;
    }

    /// <summary>Lists budgets in the order of user_id, starting after <paramref name="after"/>.</summary>
    public async Task<BudgetPage> ListBudgetsAsync(
        string? prefix, int limit, string? after, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var budgets = db.Budgets.AsQueryable();
        if (!string.IsNullOrEmpty(prefix))
            budgets = budgets.Where(b => b.UserId.StartsWith(prefix));
        if (!string.IsNullOrEmpty(after))
            budgets = budgets.Where(b => string.Compare(b.UserId, after) > 0);
        var page = await HoldQueries.WithHeld(db, budgets.OrderBy(b => b.UserId).Take(limit + 1))
            .OrderBy(held => held.Budget.UserId).Select(ToBudget).ToListAsync(cancellationToken);
        return new BudgetPage(
            page.Count > limit ? page[..limit] : page, page.Count > limit ? page[limit - 1].UserId : null);
    }

    /// <summary>Lists the entries of a user's account, newest first; null for an unknown user.</summary>
    public async Task<EntryPage?> ListEntriesAsync(
        string userId, int limit, long? before, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var account = ChartOfAccounts.User(userId);
        var page = await db.Entries
            // The two bounds follow from the account. The planner needs them to use the index on user accounts.
            .Where(e => e.Account == account
                && string.Compare(e.Account, "user:") >= 0
                && string.Compare(e.Account, "user;") < 0)
            .Where(e => before == null || e.Id < before)
            .OrderByDescending(e => e.Id)
            .Take(limit + 1)
            .ToListAsync(cancellationToken);
        if (page.Count == 0 && !await ExistsAsync(db, userId, cancellationToken))
            return null;
        var actors = await AuditQueries.NamesAsync(db, page.Select(e => e.PostedBy), cancellationToken);
        return new EntryPage(
            [.. page.Take(limit).Select(e => LedgerReports.ToEntry(e, actors))],
            page.Count > limit ? page[limit - 1].Id : null);
    }

    /// <summary>
    /// Lists the history in the format of the system before the ledger, newest first; null for an unknown user.
    /// </summary>
    public async Task<BudgetTransactionPage?> ListTransactionsAsync(
        string userId, int limit, long? before, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var page = await db.BudgetTransactions
            .Where(t => t.UserId == userId && (before == null || t.Id < before))
            .OrderByDescending(t => t.Id)
            .Take(limit + 1)
            .Select(t => new BudgetTransaction(
                t.Id, t.UserId, t.AmountCents, t.BalanceAfter, t.TransactionType, t.Description, t.CreatedAt))
            .ToListAsync(cancellationToken);
        if (page.Count == 0 && !await ExistsAsync(db, userId, cancellationToken))
            return null;
        return new BudgetTransactionPage(
            page.Count > limit ? page[..limit] : page, page.Count > limit ? page[limit - 1].Id : null);
    }

    /// <summary>Finds a usage by its id; null when there is none.</summary>
    public async Task<UsageDetail?> FindUsageAsync(Guid usageId, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        if (await db.Usages.SingleOrDefaultAsync(u => u.Id == usageId, cancellationToken) is not { } usage)
            return null;
        return (await ToDetailsAsync(db, [usage], cancellationToken))[0];
    }

    internal static async Task<IReadOnlyList<UsageDetail>> ToDetailsAsync(
        LedgerDbContext db, IReadOnlyList<UsageRow> usages, CancellationToken cancellationToken)
    {
        var ids = usages.SelectMany(u => new[] { u.PostedBy, u.ReviewedById });
        var actors = await AuditQueries.NamesAsync(db, ids, cancellationToken);
        return [.. usages.Select(u => ToDetail(u, actors))];
    }

    private static UsageDetail ToDetail(UsageRow u, IReadOnlyDictionary<int, ActorName> actors) => new(
        u.Id, u.RequestId, u.UserId, u.UserPriceCents, u.BillingStatus, u.ReviewReason, u.TransactionId,
        u.ReviewBalanceCents ?? u.BalanceAfterCents ?? 0,
        u.Model, u.Provider, u.ProviderCostUsd, u.MarkupFactor, u.PriceVersion, u.OccurredAt, u.CreatedAt,
        u.PromptTokens, u.CompletionTokens, u.CacheReadTokens, u.CacheWriteTokens, u.ReasoningTokens,
        ParseJson(u.Usage), u.Description, u.ReferenceId, ParseJson(u.Metadata), u.SourceSystem, u.ExternalId,
        u.VirtualKeyId, u.ReviewedBy, u.ReviewedAt, u.ReviewNote, u.FilledAt, ParseJson(u.PayerHint),
        actors.Of(u.PostedBy), actors.Of(u.ReviewedById), u.HoldId);

    private static JsonElement? ParseJson(string? json) => json is null ? null : JsonElement.Parse(json);

    private static Task<bool> ExistsAsync(LedgerDbContext db, string userId, CancellationToken cancellationToken) =>
        db.Budgets.AnyAsync(b => b.UserId == userId, cancellationToken);
}
