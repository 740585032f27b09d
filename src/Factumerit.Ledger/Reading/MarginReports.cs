using System.Data;
using Factumerit.Ledger.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Reading;

/// <summary>What the calls of one group cost and brought in, or those of all groups.</summary>
/// <param name="Group">The user, model, provider or day; null: unknown.</param>
/// <param name="Calls">How many were recorded, whatever became of them.</param>
/// <param name="PromptTokens">Tokens sent, in all.</param>
/// <param name="CompletionTokens">Tokens generated, in all.</param>
/// <param name="CacheReadTokens">Of those sent: read from the cache.</param>
/// <param name="CacheWriteTokens">Of those sent: written to the cache.</param>
/// <param name="ReasoningTokens">Of those generated: reasoning.</param>
/// <param name="ProviderCostUsd">What the providers charge for the calls whose cost is known, in US dollars, exact.</param>
/// <param name="UnknownCostCalls">Calls whose cost is not known; one of 0 is known.</param>
/// <param name="UserPriceCents">What users paid for all of the calls, in cents.</param>
/// <param name="MarginCents">What was paid for the calls whose cost is known less that cost, in cents, exact; calls that nobody paid count in full.</param>
/// <param name="Waiting">Calls that wait for review.</param>
/// <param name="Waived">Calls that were reviewed, and that nobody pays.</param>
public sealed record MarginLine(
    string? Group, long Calls, long PromptTokens, long CompletionTokens, long CacheReadTokens, long CacheWriteTokens, long ReasoningTokens,
    ExactNumber ProviderCostUsd, long UnknownCostCalls, decimal UserPriceCents, ExactNumber MarginCents, long Waiting, long Waived);

/// <summary>A page of the margin report.</summary>
/// <param name="From">The earliest occurred_at that counts; null: from the first call on.</param>
/// <param name="To">The first occurred_at that no longer counts; null: up to the last call.</param>
/// <param name="GroupBy">user, model, provider or day.</param>
/// <param name="Groups">In the order of their names, the unknown one last.</param>
/// <param name="Total">All groups together, those on other pages too; its group is null.</param>
/// <param name="NextAfter">Pass it as after= to get the next page; null at the end.</param>
public sealed record MarginReport(DateTimeOffset? From, DateTimeOffset? To, string GroupBy, IReadOnlyList<MarginLine> Groups, MarginLine Total, string? NextAfter);

/// <summary>
/// What calls cost at the providers against what users paid for them, over a span of occurred_at. Read in one read-only repeatable-read snapshot;
/// everything is added up in the database, exactly.
/// </summary>
public sealed class MarginReports(LedgerDatabase database)
{
    // A span may be all calls there ever were.
    private const int TimeoutS = 600;

    private static readonly Dictionary<string, string> Keys = new(StringComparer.Ordinal)
    {
        ["user"] = "user_id",
        ["model"] = "model COLLATE \"C\"",
        ["provider"] = $"({VendorSql.Of("provider")}) COLLATE \"C\"",
        ["day"] = "to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') COLLATE \"C\"",
    };

    /// <summary>What calls can be grouped by.</summary>
    public static IReadOnlyCollection<string> Groupings => Keys.Keys;

    /// <summary>The groups behind <paramref name="after"/>, in the order of their names, and the total of all.</summary>
    /// <param name="groupBy">One of <see cref="Groupings"/>.</param>
    /// <param name="from">Inclusive.</param>
    /// <param name="to">Exclusive.</param>
    /// <param name="limit">How many groups at the most.</param>
    /// <param name="after">The last group of the page before.</param>
    /// <param name="cancellationToken">Ends the query.</param>
    public async Task<MarginReport> ReadAsync(
        string groupBy, DateTimeOffset? from, DateTimeOffset? to, int limit, string? after, CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        // How long the span is decides the plan, so each report gets its own. Said ahead of the report, so that a
        // database that is away is noticed as soon as by any other read.
        const string Settings = "SET TRANSACTION READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan";
        await using (var settings = new NpgsqlCommand(Settings, connection))
            await settings.ExecuteNonQueryAsync(cancellationToken);
        await using var report = new NpgsqlCommand(Sql(Keys[groupBy]), connection) { CommandTimeout = TimeoutS };
        var parameters = report.Parameters;
        parameters.Add(new() { Value = (object?)from?.UtcDateTime ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        parameters.Add(new() { Value = (object?)to?.UtcDateTime ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
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

    // The total comes first, from the same pass over the calls. The unknown group is the last one: it has no name that
    // another page could begin behind.
    private static string Sql(string key) => $"""
        WITH lines AS (
            SELECT key, GROUPING(key) = 1 AS is_total, count(*) AS calls,
                   coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), coalesce(sum(cache_read_tokens), 0),
                   coalesce(sum(cache_write_tokens), 0), coalesce(sum(reasoning_tokens), 0),
                   trim_scale(coalesce(sum(provider_cost_usd), 0))::text, count(*) FILTER (WHERE provider_cost_usd IS NULL), coalesce(sum(user_price_cents), 0),
                   trim_scale(coalesce(sum(user_price_cents) FILTER (WHERE provider_cost_usd IS NOT NULL), 0) - coalesce(sum(provider_cost_usd), 0) * 100)::text,
                   count(*) FILTER (WHERE billing_status = 'needs_review'), count(*) FILTER (WHERE billing_status = 'waived')
            FROM (SELECT *, {key} AS key FROM llm_usage WHERE ($1 IS NULL OR occurred_at >= $1) AND ($2 IS NULL OR occurred_at < $2)) u
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
