using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Finds the usage of a spend log whose id doesn't identify the call. LiteLLM gives rows of batches and files a hash as
/// their id, and a call whose response had no id is known here under an id derived from its report. Both are matched by
/// user, model, tokens and cost; calls with a derived id are matched by their start as well.
/// </summary>
public sealed class SpendLogMatches(LedgerDatabase database)
{
    private static readonly TimeSpan ReadWithin = TimeSpan.FromDays(31);
    private static readonly TimeSpan StartTolerance = TimeSpan.FromSeconds(1);

    // $1 and $2 bound the start, for the block range index. A count or cost that is missing on one side doesn't differ.
    private const string Matches = """
        SELECT DISTINCT ON (asked.place) asked.place, u.external_id
        FROM unnest($3, $4, $5, $6, $7, $8, $9, $10)
            AS asked (place, request_id, user_id, model, prompt_tokens, completion_tokens, cost_usd, started_at)
        JOIN llm_usage u ON u.occurred_at BETWEEN $1 AND $2 AND u.source_system = 'litellm'
            AND u.user_id IS NOT DISTINCT FROM asked.user_id AND u.model IS NOT DISTINCT FROM asked.model
            AND coalesce(u.prompt_tokens = asked.prompt_tokens, true)
            AND coalesce(u.completion_tokens = asked.completion_tokens, true)
            AND coalesce(abs(u.provider_cost_usd - asked.cost_usd) < 0.000000001, true)
        WHERE NOT EXISTS (
            SELECT FROM usage_aliases a WHERE a.source_system = 'litellm' AND a.external_id = asked.request_id)
        """;

    private const string OfReadings = Matches
        + " AND u.provider_cost_usd IS NOT NULL AND asked.cost_usd IS NOT NULL ORDER BY asked.place, u.id";

    private const string OfDerivedIds = Matches + """
         AND starts_with(u.external_id, 'derived-') AND abs(extract(epoch FROM u.occurred_at - asked.started_at)) < 1
        ORDER BY asked.place, u.id
        """;

    /// <summary>
    /// Returns the calls. A spend log that matches a usage has the usage's id as an additional alias.
    /// </summary>
    public async Task<List<ReportedCall>> AddToAsync(List<ReportedCall> calls, CancellationToken cancellationToken)
    {
        if (!calls.Exists(c => c.Origin.IsRecord))
            return calls;
        var known = new Dictionary<int, string>();
        await FindAsync(calls, known, OfReadings, c => c.Origin.IsRetrieval, ReadWithin, cancellationToken);
        await FindAsync(calls, known, OfDerivedIds, c => !c.Origin.IsRetrieval, StartTolerance, cancellationToken);
        return [.. calls.Select((call, place) => known.TryGetValue(place, out var id)
            ? call with { Origin = call.Origin with { Aliases = [.. call.Origin.Aliases, id] } }
            : call)];
    }

    private async Task FindAsync(
        List<ReportedCall> calls, Dictionary<int, string> known, string sql, Predicate<ReportedCall> isAsked,
        TimeSpan within, CancellationToken cancellationToken)
    {
        var asked = calls.Select((call, place) => (call.Request, call.Origin, place, call))
            .Where(c => c.Origin.IsRecord && c.Request.OccurredAt is not null && isAsked(c.call)).ToList();
        if (asked.Count == 0)
            return;
        var starts = asked.Select(a => a.Request.OccurredAt!.Value.UtcDateTime).ToArray();
        await using var command = database.Readers.CreateCommand(sql);
        foreach (var value in (object[])
            [
                starts.Min() - within, starts.Max() + within,
                asked.Select(a => a.place).ToArray(), asked.Select(a => a.Origin.Aliases[0]).ToArray(),
                asked.Select(a => a.Request.UserId).ToArray(), asked.Select(a => a.Request.Model).ToArray(),
                asked.Select(a => (int?)a.Request.PromptTokens).ToArray(),
                asked.Select(a => (int?)a.Request.CompletionTokens).ToArray(),
                asked.Select(a => a.Request.ProviderCostUsd).ToArray(), starts,
            ])
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            known[reader.GetInt32(0)] = reader.GetString(1);
    }
}
