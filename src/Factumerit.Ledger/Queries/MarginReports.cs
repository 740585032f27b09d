using System.Data;
using Factumerit.Ledger.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Queries;

/// <summary>
/// Compares what calls cost at the providers with what users paid for them, over a span of occurred_at. Each report is
/// read in one read-only repeatable-read snapshot. The database computes the sums, exactly.
/// </summary>
public sealed class MarginReports(LedgerDatabase database)
{
    // A span can include every call ever recorded.
    private const int TimeoutS = 600;

    private static readonly Dictionary<string, string> Keys = new(StringComparer.Ordinal)
    {
        ["user"] = "user_id",
        ["model"] = "model COLLATE \"C\"",
        ["provider"] = $"({VendorSql.Of("provider")}) COLLATE \"C\"",
        ["day"] = "to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') COLLATE \"C\"",
    };

    /// <summary>The valid values of groupBy.</summary>
    public static IReadOnlyCollection<string> Groupings => Keys.Keys;

    /// <summary>
    /// Reads the groups after <paramref name="after"/>, in the order of their names, and the total of all groups.
    /// </summary>
    /// <param name="groupBy">One of <see cref="Groupings"/>.</param>
    /// <param name="from">Inclusive.</param>
    /// <param name="to">Exclusive.</param>
    /// <param name="limit">The maximum number of groups.</param>
    /// <param name="after">The last group of the previous page.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<MarginReport> ReadAsync(
        string groupBy, DateTimeOffset? from, DateTimeOffset? to, int limit, string? after,
        CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var snapshot = await connection.BeginTransactionAsync(
            IsolationLevel.RepeatableRead, cancellationToken);
        // The best plan depends on the length of the span, so each report is planned anew. The settings are a statement
        // of their own with the default timeout, so an unreachable database is noticed as soon as by any other read.
        const string Settings = "SET TRANSACTION READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan";
        await using (var settings = new NpgsqlCommand(Settings, connection))
            await settings.ExecuteNonQueryAsync(cancellationToken);
        await using var report = new NpgsqlCommand(Sql(Keys[groupBy]), connection) { CommandTimeout = TimeoutS };
        var parameters = report.Parameters;
        parameters.Add(new()
        {
            Value = (object?)from?.UtcDateTime ?? DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        });
        parameters.Add(new()
        {
            Value = (object?)to?.UtcDateTime ?? DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        });
        parameters.Add(new() { Value = (object?)after ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        parameters.Add(new() { Value = (long)limit });

        await using var reader = await report.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var total = ReadLine(reader);
        var groups = new List<MarginLine>();
        while (await reader.ReadAsync(cancellationToken))
            groups.Add(ReadLine(reader));
        if (groups.Count <= limit)
            return new MarginReport(from, to, groupBy, groups, total, null);
        return new MarginReport(from, to, groupBy, groups[..limit], total, groups[limit - 1].Group);
    }

    // The total is the first row and comes from the same pass over the calls. The unknown group is last, because it has
    // no name that a next page could start after.
    private static string Sql(string key) => $"""
        WITH lines AS (
            SELECT key, GROUPING(key) = 1 AS is_total, count(*) AS calls,
                   coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
                   coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),
                   coalesce(sum(reasoning_tokens), 0),
                   trim_scale(coalesce(sum(provider_cost_usd), 0))::text,
                   count(*) FILTER (WHERE provider_cost_usd IS NULL), coalesce(sum(user_price_cents), 0),
                   trim_scale(coalesce(sum(user_price_cents) FILTER (WHERE provider_cost_usd IS NOT NULL), 0)
                              - coalesce(sum(provider_cost_usd), 0) * 100)::text,
                   count(*) FILTER (WHERE billing_status = 'needs_review'),
                   count(*) FILTER (WHERE billing_status = 'waived')
            FROM (SELECT *, {key} AS key FROM llm_usage
                  WHERE ($1 IS NULL OR occurred_at >= $1) AND ($2 IS NULL OR occurred_at < $2)) u
            GROUP BY GROUPING SETS ((key), ()))
        SELECT * FROM lines WHERE is_total OR $3 IS NULL OR key > $3 OR key IS NULL
        ORDER BY is_total DESC, key NULLS LAST LIMIT $4 + 2
        """;

    private static MarginLine ReadLine(NpgsqlDataReader reader) => new(
        reader.IsDBNull(0) ? null : reader.GetString(0),
        reader.GetInt64(2),
        reader.GetInt64(3),
        reader.GetInt64(4),
        reader.GetInt64(5),
        reader.GetInt64(6),
        reader.GetInt64(7),
        new ExactNumber(reader.GetString(8)),
        reader.GetInt64(9),
        reader.GetDecimal(10),
        new ExactNumber(reader.GetString(11)),
        reader.GetInt64(12),
        reader.GetInt64(13));
}
