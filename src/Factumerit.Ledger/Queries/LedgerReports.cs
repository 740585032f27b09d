using System.Data;
using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Factumerit.Ledger.Queries;

/// <summary>
/// Reports over the whole ledger. Each report runs in one read-only repeatable-read snapshot, so its figures agree with
/// each other and it blocks no writer. Totals come from the rows that every commit maintains;
/// <see cref="IntegrityCheck"/> compares those with the entries.
/// </summary>
public sealed class LedgerReports(LedgerDatabase database)
{
    private static readonly string AllUsers = AccountTotalRow.AllUsers;

    /// <summary>
    /// Lists accounts in the order of their names, starting after <paramref name="after"/>. Accounts without entries
    /// are left out.
    /// </summary>
    public Task<AccountPage> ListBalancesAsync(
        AccountType? type, int limit, string? after, CancellationToken cancellationToken) =>
        InSnapshotAsync(async db =>
        {
            var from = after ?? "";
            var accounts = new List<AccountBalance>();
            if (type != AccountType.User)
            {
                var prefix = type is { } wanted ? ChartOfAccounts.PrefixOf(wanted) : "";
                var totals = await db.AccountTotals
                    .Where(t => t.Account != AllUsers && t.Account.StartsWith(prefix))
                    .ToListAsync(cancellationToken);
                accounts.AddRange(totals
                    .Where(t => string.CompareOrdinal(t.Account, from) > 0)
                    .OrderBy(t => t.Account, StringComparer.Ordinal)
                    .Take(limit + 1)
                    .Select(t => ToBalance(t.Account, t.DebitsCents, t.CreditsCents, t.EntryCount)));
            }
            // In the order of names all system accounts come before the user accounts, which come last.
            if (type is null or AccountType.User
                && accounts.Count <= limit
                && string.CompareOrdinal(from, "user;") < 0)
                accounts.AddRange(await ListUserBalancesAsync(
                    db, limit + 1 - accounts.Count, ChartOfAccounts.UserOf(from) ?? "", cancellationToken));
            return new AccountPage(
                accounts.Count > limit ? accounts[..limit] : accounts,
                accounts.Count > limit ? accounts[limit - 1].Account : null);
        }, cancellationToken);

    /// <summary>A transaction with its entries; null when there is none.</summary>
    public Task<TransactionDetail?> FindTransactionAsync(Guid transactionId, CancellationToken cancellationToken) =>
        InSnapshotAsync<TransactionDetail?>(async db =>
        {
            var entries = await db.Entries
                .Where(e => e.TransactionId == transactionId)
                .OrderBy(e => e.Id)
                .ToListAsync(cancellationToken);
            if (entries is not [var first, ..])
                return null;
            var actors = await AuditQueries.NamesAsync(db, entries.Select(e => e.PostedBy), cancellationToken);
            return new TransactionDetail(
                transactionId, first.Description, first.ReferenceType, first.ReferenceId, first.CreatedAt,
                actors.Of(first.PostedBy), [.. entries.Select(e => ToEntry(e, actors))]);
        }, cancellationToken);

    /// <summary>
    /// Sums up debits, credits and their difference per type of account, and the usages that wait for review.
    /// </summary>
    public Task<LedgerSummary> SummarizeAsync(CancellationToken cancellationToken) =>
        InSnapshotAsync(async db =>
        {
            var totals = await db.AccountTotals.ToListAsync(cancellationToken);
            var users = await db.Budgets.CountAsync(b => b.EntryCount > 0, cancellationToken);
            var review = await UsageQueries.MeasureAsync(
                (NpgsqlConnection)db.Database.GetDbConnection(), cancellationToken);
            return new LedgerSummary([.. Enum.GetValues<AccountType>().Select(type =>
            {
                var ofType = totals
                    .Where(t => type == AccountType.User
                        ? t.Account == AllUsers
                        : ChartOfAccounts.TypeOf(t.Account) == type)
                    .ToList();
                var (debits, credits) = (ofType.Sum(t => t.DebitsCents), ofType.Sum(t => t.CreditsCents));
                return new TypeSummary(
                    Name(type), type == AccountType.User ? users : ofType.Count,
                    debits, credits, credits - debits, ofType.Sum(t => t.EntryCount));
            })], review);
        }, cancellationToken);

    /// <summary>Reads the headroom: what the providers still owe us less what we owe users (R8).</summary>
    public Task<Headroom> GetHeadroomAsync(CancellationToken cancellationToken) =>
        InSnapshotAsync(async db =>
        {
            var state = new WorkingSet(default)
            {
                OpeningCents = await db.Origins.Select(o => o.OpeningCents).SingleAsync(cancellationToken),
            };
            foreach (var total in await db.AccountTotals.ToListAsync(cancellationToken))
                state.Load(total);
            return state.Headroom();
        }, cancellationToken);

    internal static LedgerEntry ToEntry(EntryRow e, IReadOnlyDictionary<int, ActorName> actors) => new(
        e.Id, e.TransactionId, e.Account, e.DebitCents, e.CreditCents,
        e.Description, e.ReferenceType, e.ReferenceId, e.CreatedAt, actors.Of(e.PostedBy));

    private static async Task<IEnumerable<AccountBalance>> ListUserBalancesAsync(
        LedgerDbContext db, int limit, string afterUser, CancellationToken cancellationToken)
    {
        var users = await db.Budgets
            .Where(b => b.EntryCount > 0 && string.Compare(b.UserId, afterUser) > 0)
            .OrderBy(b => b.UserId)
            .Take(limit)
            .Select(b => new { b.UserId, b.DebitsCents, b.CreditsCents, b.EntryCount })
            .ToListAsync(cancellationToken);
        return users.Select(u =>
            ToBalance(ChartOfAccounts.User(u.UserId), u.DebitsCents, u.CreditsCents, u.EntryCount));
    }

    private static AccountBalance ToBalance(string account, decimal debits, decimal credits, long entries) =>
        new(account, Name(ChartOfAccounts.TypeOf(account)), credits - debits, debits, credits, entries);

    private static string Name(AccountType? type) => type switch
    {
        AccountType.User => "user",
        AccountType.Asset => "asset",
        AccountType.Expense => "expense",
        AccountType.Equity => "equity",
        _ => "unknown",
    };

    private async Task<T> InSnapshotAsync<T>(Func<LedgerDbContext, Task<T>> read, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        await using var snapshot = await db.Database.BeginTransactionAsync(
            IsolationLevel.RepeatableRead, cancellationToken);
        await db.Database.ExecuteSqlRawAsync("SET TRANSACTION READ ONLY", cancellationToken);
        return await read(db);
    }
}
