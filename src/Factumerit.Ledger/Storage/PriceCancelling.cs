using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>Decides whether a version of the price book can be taken back, and notes it. No price is deleted.</summary>
internal static class PriceCancelling
{
    // A call may be dated a few minutes ahead, so that prices which have not begun may have been used. Ids of usages
    // grow with time: those since the import are few.
    private const string Find = """
        SELECT v.valid_from, v.valid_from <= clock_timestamp(), c.cancelled_at, c.cancelled_by,
               (SELECT max(later.version) FROM price_versions later
                WHERE later.version > v.version AND later.version NOT IN (SELECT version FROM price_cancellations)),
               v.imported_at
        FROM price_versions v LEFT JOIN price_cancellations c ON c.version = v.version WHERE v.version = $1
        """;

    private const string IsUsed = "SELECT EXISTS (SELECT FROM llm_usage WHERE id >= $1 AND price_version = $2)";

    private const string Add = """
        WITH cancelled AS (
            INSERT INTO price_cancellations (version, cancelled_at, cancelled_by) VALUES ($1, clock_timestamp(), $2)
            RETURNING version, cancelled_at),
        a AS (
            INSERT INTO audit_log (at, actor_id, action, subject)
            SELECT cancelled_at, $3, $4, version::text FROM cancelled)
        SELECT cancelled_at FROM cancelled
        """;

    public static async Task<Outcome<PriceCancellation>> CancelAsync(
        NpgsqlConnection connection, long version, Actor actor, CancellationToken cancellationToken)
    {
        if (await FindAsync(connection, version, cancellationToken) is not { } found)
            return new Refusal.NotFound($"version {version} of the price book");
        if (found is { CancelledAt: { } at, CancelledBy: { } by })
            return new PriceCancellation(version, found.ValidFrom, at, by);
        if (found.HasBegun)
            return new Refusal.NotCancellable($"Version {version} is in force since {found.ValidFrom:u}.");
        if (found.Later is { } later)
            return new Refusal.NotCancellable(
                $"Version {later} was imported on top of version {version}: cancel that one first.");
        await using var used = new NpgsqlCommand(IsUsed, connection)
        {
            Parameters = { new() { Value = UuidV7.First(found.ImportedAt) }, new() { Value = version } },
        };
        if ((bool)(await used.ExecuteScalarAsync(cancellationToken))!)
            return new Refusal.NotCancellable($"Calls that are dated ahead were priced by version {version} already.");
        await using var add = new NpgsqlCommand(Add, connection)
        {
            Parameters =
            {
                new() { Value = version }, new() { Value = actor.Name }, new() { Value = actor.Id },
                new() { Value = AuditActions.PricesCancelled },
            },
        };
        DateTimeOffset now = (DateTime)(await add.ExecuteScalarAsync(cancellationToken))!;
        return new PriceCancellation(version, found.ValidFrom, now, actor.Name);
    }

    private static async Task<Found?> FindAsync(
        NpgsqlConnection connection, long version, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Find, connection) { Parameters = { new() { Value = version } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
            return null;
        return new Found(
            reader.GetFieldValue<DateTimeOffset>(0), reader.GetBoolean(1), reader.GetFieldValue<DateTimeOffset?>(2),
            reader.IsDBNull(3) ? null : reader.GetString(3), reader.GetFieldValue<long?>(4), reader.GetDateTime(5));
    }

    private sealed record Found(
        DateTimeOffset ValidFrom, bool HasBegun, DateTimeOffset? CancelledAt, string? CancelledBy, long? Later,
        DateTime ImportedAt);
}
