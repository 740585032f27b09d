using Factumerit.Ledger.Commands;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Decides whether a version of the price book can be cancelled, and records the cancellation. Deletes no price.
/// </summary>
internal static class PriceCancelling
{
    // The second column is the earliest possible time of the next commit (R13).
    private const string Find = """
        SELECT v.valid_from, greatest(clock_timestamp(), (SELECT created_at FROM ledger_entries
                                                          WHERE id > (SELECT last_entry_id FROM ledger_origin)
                                                          ORDER BY id DESC LIMIT 1)),
               c.cancelled_at, c.cancelled_by,
               (SELECT max(later.version) FROM price_versions later
                WHERE later.version > v.version AND later.version NOT IN (SELECT version FROM price_cancellations)),
               v.imported_at
        FROM price_versions v LEFT JOIN price_cancellations c ON c.version = v.version WHERE v.version = $1
        """;

    // Usage ids increase with time, so few of them are newer than the import.
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

    /// <param name="connection">The connection whose transaction holds the lock on the price book.</param>
    /// <param name="version">The version to cancel.</param>
    /// <param name="usedFor">How long from now another process may still price calls with it.</param>
    /// <param name="actor">The actor who requests it.</param>
    /// <param name="cancellationToken">Cancels the operation without any change.</param>
    public static async Task<Outcome<PriceCancellation>> CancelAsync(
        NpgsqlConnection connection, long version, TimeSpan usedFor, Actor actor, CancellationToken cancellationToken)
    {
        if (await FindAsync(connection, version, cancellationToken) is not { } found)
            return new Refusal.NotFound($"version {version} of the price book");
        if (found is { CancelledAt: { } at, CancelledBy: { } by })
            return new PriceCancellation(version, found.ValidFrom, at, by);
        if (found.ValidFrom <= found.Now)
            return new Refusal.NotCancellable($"Version {version} is in force since {found.ValidFrom:u}.");
        if (found.Later is { } later)
            return new Refusal.NotCancellable(
                $"Version {later} was imported on top of version {version}: cancel that one first.");
        // Calls may be dated ahead and be priced with a version that has not begun yet.
        var usableFrom = found.ValidFrom - UsageCommand.AheadMax - usedFor;
        if (usableFrom <= found.Now)
            return new Refusal.NotCancellable(
                $"Version {version} begins at {found.ValidFrom:u} and could be cancelled until {usableFrom:u}: since " +
                "then calls that are dated ahead may be priced by it.");
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
            reader.GetFieldValue<DateTimeOffset>(0), reader.GetFieldValue<DateTimeOffset>(1),
            reader.GetFieldValue<DateTimeOffset?>(2),
            reader.IsDBNull(3) ? null : reader.GetString(3), reader.GetFieldValue<long?>(4), reader.GetDateTime(5));
    }

    private sealed record Found(
        DateTimeOffset ValidFrom, DateTimeOffset Now, DateTimeOffset? CancelledAt, string? CancelledBy, long? Later,
        DateTime ImportedAt);
}
