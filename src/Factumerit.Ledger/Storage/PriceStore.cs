using System.Data;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Writing;
using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Stores the price book: imports a map in one transaction, one import at a time, and puts committed prices in force.
/// Prices are not postings, so they don't pass through the writer and never block it.
/// </summary>
public sealed class PriceStore(LedgerDatabase database, CurrentPrices current, TimeProvider? clock = null)
{
    public const int ChangesMax = 1000;

    /// <summary>
    /// How far ahead an import may begin. Later imports must begin after it, so a typo in the year must not block them.
    /// </summary>
    public const int DaysAheadMax = 366;

    // An arbitrary key that no other program locks. It spells "fapr", for Factumerit prices.
    private const string TakeTurn = "SELECT pg_advisory_xact_lock(x'66617072'::int)";

    private const string Columns = """
        model, version, provider, valid_from, input_usd_per_token, output_usd_per_token, cache_read_usd_per_token,
        cache_write_usd_per_token, reasoning_usd_per_token, is_gone, mode, other_prices
        """;

    // The newest version and the number of cancellations. Neither ever decreases.
    private const string Revision =
        "SELECT coalesce(max(version), 0), (SELECT count(*) FROM price_cancellations) FROM price_versions";

    private const string AddVersion = """
        WITH v AS (
            INSERT INTO price_versions (valid_from, imported_at, content_hash, source, imported_by, imported_by_id,
                                        added, changed, gone)
            VALUES ($1, $2, $3, $10, $4, $5, $6, $7, $8) RETURNING version),
        a AS (
            INSERT INTO audit_log (at, actor_id, action, subject, detail)
            SELECT $2, $5, $9, version::text, jsonb_build_object('added', $6::int, 'changed', $7::int, 'gone', $8::int)
            FROM v)
        SELECT version FROM v
        """;

    /// <summary>
    /// How long after a cancellation another process may still record a call with its cached prices: until its next
    /// refresh, plus the time to commit the calls it has priced by then.
    /// </summary>
    public TimeSpan UsedAfterCancelling { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Replaces the prices of the price book by those of the map. Idempotent: importing the same map again changes
    /// nothing and creates no version.
    /// </summary>
    /// <param name="map">The whole map. Models that are not in it are gone.</param>
    /// <param name="contentHash">The SHA-256 of the file, stored with the version.</param>
    /// <param name="by">The actor who requests it.</param>
    /// <param name="validFrom">
    /// When all prices come into force; null: changes from now on, a model's first price from the beginning.
    /// </param>
    /// <param name="isDryRun">Whether to only report the changes without making them.</param>
    /// <param name="allowGone">Whether it may end more than a tenth of the models that have a price.</param>
    /// <param name="cancellationToken">Cancels the import without any change, unless it is being committed.</param>
    public async Task<Outcome<PriceImport>> ImportAsync(
        PriceMap map, byte[] contentHash, Actor by, DateTimeOffset? validFrom, bool isDryRun, bool allowGone,
        CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, TakeTurn, cancellationToken);
        // Round down to microseconds, the precision of timestamptz, so the time in force here equals the stored time.
        validFrom = validFrom?.AddTicks(-(validFrom.Value.Ticks % TimeSpan.TicksPerMicrosecond)).ToUniversalTime();
        // Use the database's clock, so imports through services with different clocks keep their order.
        var now = await ExecuteAsync<DateTime>(connection, "SELECT clock_timestamp()", cancellationToken);
        // Later imports must begin after this one, so an import with a clock that jumped ahead would block them all.
        if (now - (clock ?? TimeProvider.System).GetUtcNow() is var ahead && ahead > database.ClockSkewMax)
            return new Refusal.Unavailable(new ClockAheadException(ahead).Message);
        if (validFrom > now + TimeSpan.FromDays(DaysAheadMax))
            return new Refusal.ValidationFailed("valid_from", $"must be at most {DaysAheadMax} days ahead");
        var rows = await ReadAsync(connection, cancellationToken);
        var newest = rows.GroupBy(p => p.Model, StringComparer.Ordinal)
            .ToDictionary(m => m.Key, m => m.MaxBy(p => p.Version)!, StringComparer.Ordinal);

        var outcome = PriceChanges.Between(newest, map, now, validFrom);
        if (outcome.Answer is not { } changes)
            return outcome.Refusal!;
        if (!isDryRun && !allowGone && changes.FindEnding() is { } ending)
            return ending;
        var import = new PriceImport
        {
            ValidFrom = validFrom ?? now,
            Added = changes.Count(PriceChange.Added),
            Changed = changes.Count(PriceChange.Changed),
            Gone = changes.Count(PriceChange.Gone),
            Unchanged = changes.Unchanged,
            Skipped = map.Skipped,
            Changes = [.. changes.Changes.Take(ChangesMax)],
            HasMoreChanges = changes.Changes.Count > ChangesMax,
        };
        if (isDryRun || changes.Changes.Count == 0)
            return import;
        var (_, cancellations) = await ReadRevisionAsync(connection, cancellationToken);
        var version = await ExecuteAsync<long>(
            connection, AddVersion, cancellationToken, import.ValidFrom.UtcDateTime, now, contentHash, by.Name, by.Id,
            import.Added, import.Changed, import.Gone, AuditActions.PricesImported, map.Source);
        var added = changes.Changes.Select(c => c.ToPrice(version)).ToList();
        await WriteAsync(connection, added, cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        current.Replace(new PriceBook(rows.Concat(added), version, cancellations), now + UsedAfterCancelling);
        return import with { Version = version };
    }

    /// <summary>
    /// Cancels a version before any process can price a call with it, so its prices never come into force. The newest
    /// version must be cancelled first, because each was imported on top of the earlier ones. Cancelling is idempotent
    /// and can't be undone.
    /// </summary>
    public async Task<Outcome<PriceCancellation>> CancelAsync(
        long version, Actor by, CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, TakeTurn, cancellationToken);
        var outcome = await PriceCancelling.CancelAsync(
            connection, version, UsedAfterCancelling, by, cancellationToken);
        if (outcome.Refusal is not null)
            return outcome;
        await transaction.CommitAsync(CancellationToken.None);
        await RefreshAsync(CancellationToken.None);
        return outcome;
    }

    /// <summary>Puts imports and cancellations of other processes in force, if there are any.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var snapshot = await connection.BeginTransactionAsync(
            IsolationLevel.RepeatableRead, cancellationToken);
        // The start of the transaction, which is no later than its snapshot.
        var readAt = await ExecuteAsync<DateTime>(connection, "SELECT transaction_timestamp()", cancellationToken);
        var (version, cancellations) = await ReadRevisionAsync(connection, cancellationToken);
        var known = current.Pricer.Book;
        var book = (version, cancellations) == (known.Version, known.Cancellations)
            ? known
            : new PriceBook(await ReadAsync(connection, cancellationToken), version, cancellations);
        current.Replace(book, readAt + UsedAfterCancelling);
    }

    private static async Task<(long Version, long Cancellations)> ReadRevisionAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Revision, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    private static async Task<List<ModelPrice>> ReadAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"SELECT {Columns} FROM model_prices WHERE version NOT IN (SELECT version FROM price_cancellations)",
            connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ModelPrice>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(new ModelPrice
            {
                Model = reader.GetString(0),
                Version = reader.GetInt64(1),
                // Rows from before vendors had one name may hold an alias.
                Provider = Vendors.CanonicalOrNull(Text(reader, 2)),
                ValidFrom = reader.GetFieldValue<DateTimeOffset?>(3),
                InputUsdPerToken = reader.GetDecimal(4),
                OutputUsdPerToken = reader.GetFieldValue<decimal?>(5),
                CacheReadUsdPerToken = reader.GetFieldValue<decimal?>(6),
                CacheWriteUsdPerToken = reader.GetFieldValue<decimal?>(7),
                ReasoningUsdPerToken = reader.GetFieldValue<decimal?>(8),
                IsGone = reader.GetBoolean(9),
                Mode = Text(reader, 10),
                OtherPrices = OtherPriceDictionary.Parse(Text(reader, 11)),
            });
        return rows;
    }

    private static string? Text(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);

    private static async Task WriteAsync(
        NpgsqlConnection connection, List<ModelPrice> rows, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            $"COPY model_prices ({Columns}) FROM STDIN (FORMAT BINARY)", cancellationToken);
        foreach (var row in rows)
        {
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(row.Model, cancellationToken);
            await copy.WriteAsync(row.Version, cancellationToken);
            await copy.WriteAsync(row.Provider, cancellationToken);
            await copy.WriteAsync(row.ValidFrom?.UtcDateTime, cancellationToken);
            await copy.WriteAsync(row.InputUsdPerToken, cancellationToken);
            await copy.WriteAsync(row.OutputUsdPerToken, cancellationToken);
            await copy.WriteAsync(row.CacheReadUsdPerToken, cancellationToken);
            await copy.WriteAsync(row.CacheWriteUsdPerToken, cancellationToken);
            await copy.WriteAsync(row.ReasoningUsdPerToken, cancellationToken);
            await copy.WriteAsync(row.IsGone, cancellationToken);
            await copy.WriteAsync(row.Mode, cancellationToken);
            await copy.WriteAsync(row.OtherPrices?.ToJson(), NpgsqlDbType.Jsonb, cancellationToken);
        }
        await copy.CompleteAsync(cancellationToken);
    }

    private static async Task<T> ExecuteAsync<T>(
        NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
