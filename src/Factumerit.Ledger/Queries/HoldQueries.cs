using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Queries;

/// <summary>Reads holds, each as it is by the database's clock (R23).</summary>
public sealed class HoldQueries(LedgerDatabase database)
{
    /// <summary>Finds a hold by its id; null when there is none.</summary>
    public async Task<Hold?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return await db.Holds.SingleOrDefaultAsync(h => h.Id == id, cancellationToken);
    }

    /// <summary>Finds a hold with its user's credit; null when there is none.</summary>
    public async Task<HoldAnswer?> ShowAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return (await ToAnswersAsync(db, db.Holds.Where(h => h.Id == id), cancellationToken)).SingleOrDefault();
    }

    /// <summary>
    /// Lists holds of one user or of all users in the order in which they were placed, starting after
    /// <paramref name="after"/>.
    /// </summary>
    /// <param name="userId">Only holds of this user.</param>
    /// <param name="state">Only holds in this state, one of <see cref="Hold.States"/>.</param>
    /// <param name="limit">The size of the page.</param>
    /// <param name="after">The last hold of the page before.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<HoldPage> ListAsync(
        string? userId, string? state, int limit, Guid? after, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var holds = db.Holds.AsQueryable();
        if (userId is not null)
            holds = holds.Where(h => h.UserId == userId);
        if (after is { } last)
            holds = holds.Where(h => h.Id > last);
        holds = state switch
        {
            null => holds,
            Hold.Open => holds.Where(h => h.State == Hold.Open && h.ExpiresAt > LedgerDbContext.Now()),
            Hold.Expired => holds.Where(h => h.State == Hold.Expired
                || (h.State == Hold.Open && h.ExpiresAt <= LedgerDbContext.Now())),
            _ => holds.Where(h => h.State == state),
        };
        var page = await ToAnswersAsync(db, holds.OrderBy(h => h.Id).Take(limit + 1), cancellationToken);
        return new HoldPage(
            page.Count > limit ? page[..limit] : page, page.Count > limit ? page[limit - 1].HoldId : null);
    }

    /// <summary>Lists holds that have expired, but whose rows are still open, the earliest first.</summary>
    public async Task<List<Hold>> ListExpiredAsync(int limit, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return await db.Holds.Where(h => h.ClosedAt == null && h.ExpiresAt <= LedgerDbContext.Now())
            .OrderBy(h => h.ExpiresAt).Take(limit).ToListAsync(cancellationToken);
    }

    /// <summary>
    /// Budgets with what is held of them: a hold that has expired is not, whether or not its row says so yet (R23).
    /// </summary>
    internal static IQueryable<HeldBudget> WithHeld(LedgerDbContext db, IQueryable<BudgetRow> budgets) =>
        budgets.Select(b => new HeldBudget
        {
            Budget = b,
            HeldCents = b.HeldCents - db.Holds
                .Where(h => h.UserId == b.UserId && h.State == Hold.Open && h.ExpiresAt <= LedgerDbContext.Now())
                .Sum(h => h.HeldCents),
        });

    private static async Task<List<HoldAnswer>> ToAnswersAsync(
        LedgerDbContext db, IQueryable<Hold> holds, CancellationToken cancellationToken)
    {
        var found = await holds
            .Join(WithHeld(db, db.Budgets), h => h.UserId, b => b.Budget.UserId, (hold, held) => new
            {
                Hold = hold,
                held.Budget.BalanceCents,
                held.HeldCents,
                Now = LedgerDbContext.Now(),
            })
            .OrderBy(row => row.Hold.Id)
            .ToListAsync(cancellationToken);
        return found.ConvertAll(
            row => row.Hold.At(row.Now).ToAnswer(row.BalanceCents, row.BalanceCents - row.HeldCents));
    }
}

/// <summary>A budget with what is held of it now.</summary>
internal sealed class HeldBudget
{
    public required BudgetRow Budget { get; init; }
    public required decimal HeldCents { get; init; }
}
