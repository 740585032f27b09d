using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Factumerit.Ledger.Queries;

/// <summary>The usages to list. Null fields match everything; from is inclusive, to is exclusive.</summary>
public sealed record UsageFilter(
    string? BillingStatus = null, string? UserId = null, string? Model = null, DateTimeOffset? From = null,
    DateTimeOffset? To = null);

/// <summary>Reads usages by filter, and the queue of usages that wait for review (R16).</summary>
public sealed class UsageQueries(LedgerDatabase database)
{
    private const string Queue = """
        SELECT count(*), min(created_at),
               floor(extract(epoch FROM greatest(clock_timestamp(), min(created_at)) - min(created_at)))::bigint
        FROM llm_usage WHERE billing_status = 'needs_review'
        """;

    /// <summary>Lists usages, newest first, that are older than <paramref name="before"/>.</summary>
    public async Task<UsagePage> ListAsync(
        UsageFilter filter, int limit, Guid? before, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var usages = Matching(db, filter);
        if (before is { } id)
            usages = usages.Where(u => u.Id.CompareTo(id) < 0);
        var page = await usages.OrderByDescending(u => u.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var details = await UserQueries.ToDetailsAsync(db, [.. page.Take(limit)], cancellationToken);
        return new UsagePage(details, page.Count > limit ? page[limit - 1].Id : null);
    }

    /// <summary>Finds a usage in the form that a review needs; null when there is none.</summary>
    public async Task<UsageRow?> FindAsync(Guid usageId, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return await db.Usages.Where(u => u.Id == usageId).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>
    /// Lists the usages that wait for review and whose user is known and not deleted, oldest first, starting after
    /// <paramref name="after"/>.
    /// </summary>
    public async Task<IReadOnlyList<UsageRow>> ListBillableAsync(
        UsageFilter filter, int limit, UsageRow? after, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var usages = Matching(db, filter with { BillingStatus = BillingStatuses.NeedsReview })
            .Where(u => u.UserId != null && !db.Budgets.Any(b => b.UserId == u.UserId && b.DeletedAt != null));
        if (after is not null)
            usages = usages.Where(u =>
                u.CreatedAt > after.CreatedAt
                || (u.CreatedAt == after.CreatedAt && u.Id.CompareTo(after.Id) > 0));
        return await usages.OrderBy(u => u.CreatedAt).ThenBy(u => u.Id).Take(limit).ToListAsync(cancellationToken);
    }

    /// <summary>Counts the usages that match.</summary>
    public async Task<long> CountAsync(UsageFilter filter, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return await Matching(db, filter).LongCountAsync(cancellationToken);
    }

    /// <summary>Counts the usages that wait for review, and measures how long the oldest has waited.</summary>
    public async Task<WaitingReviews> MeasureAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        return await MeasureAsync(connection, cancellationToken);
    }

    /// <summary>Does the same within the connection's current transaction.</summary>
    internal static async Task<WaitingReviews> MeasureAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Queue, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new WaitingReviews(
            reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset?>(1), reader.GetFieldValue<long?>(2));
    }

    private static IQueryable<UsageRow> Matching(LedgerDbContext db, UsageFilter filter)
    {
        var usages = db.Usages.AsQueryable();
        // The status is a literal in the statement, not a parameter: otherwise a prepared plan can't use the partial
        // index on waiting usages.
        if (filter.BillingStatus == BillingStatuses.NeedsReview)
            usages = usages.Where(u => u.BillingStatus == BillingStatuses.NeedsReview);
        else if (filter.BillingStatus is { } status)
            usages = usages.Where(u => u.BillingStatus == status);
        if (filter.UserId is { } userId)
            usages = usages.Where(u => u.UserId == userId);
        if (filter.Model is { } model)
            usages = usages.Where(u => u.Model == model);
        if (filter.From is { } from)
            usages = usages.Where(u => u.OccurredAt >= from);
        if (filter.To is { } to)
            usages = usages.Where(u => u.OccurredAt < to);
        return usages;
    }
}
