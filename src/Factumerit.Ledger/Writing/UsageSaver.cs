using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Saves the usages of a batch with their aliases and costs. Columns that no usage of the batch fills are left out of the statement, so that the
/// plain report of an amount costs nothing for what it does not say.
/// </summary>
internal static class UsageSaver
{
    // Groups of columns that tend to be filled together: few enough that each combination stays a prepared statement.
    private static readonly Group[] Groups =
    [
        new(["provider"], u => u.Usage.Provider is not null, rows => rows
            .Column(u => u.Usage.Provider)),
        new(["provider_cost_usd", "markup_factor", "price_version"], u => u.Usage.ProviderCostUsd is not null || u.Usage.MarkupFactor is not null, rows => rows
            .Column(u => u.Usage.ProviderCostUsd)
            .Column(u => u.Usage.MarkupFactor)
            .Column(u => u.Usage.PriceVersion)),
        new(["cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "usage"], u => u.Request!.HasTokenDetails, rows => rows
            .Column(u => (int?)u.Request!.CacheReadTokens)
            .Column(u => (int?)u.Request!.CacheWriteTokens)
            .Column(u => (int?)u.Request!.ReasoningTokens)
            .Column(u => u.Request!.Usage?.GetRawText(), NpgsqlDbType.Jsonb)),
        new(["source_system", "external_id", "virtual_key_id", "review_reason"], u => u.Origin is not null || u.Usage.ReviewReason is not null, rows => rows
            .Column(u => u.Origin?.SourceSystem ?? "api")
            .Column(u => u.Origin?.Aliases[0])
            .Column(u => u.Origin?.VirtualKeyId)
            .Column(u => u.Usage.ReviewReason)),
        new(["description", "reference_id", "metadata"], u => u.Request!.HasNotes, rows => rows
            .Column(u => u.Request!.Description)
            .Column(u => u.Request!.ReferenceId)
            .Column(u => u.Request!.Metadata?.GetRawText(), NpgsqlDbType.Json)),
    ];

    private static readonly string[] Statements = [.. Enumerable.Range(0, 1 << Groups.Length).Select(Insert)];

    private const string Aliases = """
        INSERT INTO usage_aliases (source_system, external_id, usage_id) SELECT * FROM unnest($1, $2, $3)
        """;

    private const string ProviderCosts = """
        INSERT INTO provider_usage_costs AS p (provider, cost_usd, written_down_cents)
        SELECT provider, sum(cost_usd), 0 FROM unnest($1, $2) AS c (provider, cost_usd) GROUP BY provider
        ON CONFLICT (provider) DO UPDATE SET cost_usd = p.cost_usd + excluded.cost_usd
        """;

    public static void Save(NpgsqlBatch batch, LedgerState state)
    {
        if (state.NewUsages.Count > 0)
            SaveUsages(batch, state.NewUsages, state.Now);
        if (state.NewAliases.Count > 0)
            new StateSaver.Rows<UsageAlias>(batch, Aliases, state.NewAliases)
                .Column(a => a.SourceSystem)
                .Column(a => a.ExternalId)
                .Column(a => a.UsageId);
        if (state.NewProviderCosts.Count > 0)
            new StateSaver.Rows<ProviderCost>(batch, ProviderCosts, state.NewProviderCosts)
                .Column(c => c.Provider)
                .Column(c => c.CostUsd);
    }

    private static void SaveUsages(NpgsqlBatch batch, List<KeptUsage> usages, DateTimeOffset now)
    {
        var filled = 0;
        for (var i = 0; i < Groups.Length; i++)
            if (usages.Exists(Groups[i].IsFilled))
                filled |= 1 << i;
        var rows = new StateSaver.Rows<KeptUsage>(batch, Statements[filled], usages)
            .Value(now.UtcDateTime)
            .Column(u => u.Usage.UsageId)
            .Column(u => u.Usage.UserId)
            .Column(u => u.Usage.RequestId)
            .Column(u => u.Request!.Model)
            .Column(u => (int?)u.Request!.PromptTokens)
            .Column(u => (int?)u.Request!.CompletionTokens)
            .Column(u => u.Usage.AmountCents)
            .Column(u => u.Usage.BillingStatus)
            .Column(u => u.Usage.OccurredAt.UtcDateTime)
            .Column(u => u.Usage.TransactionId)
            .Column(u => u.Usage.UserId is null ? null : (decimal?)u.Usage.BalanceCents)
            .Column(u => u.RequestHash);
        for (var i = 0; i < Groups.Length; i++)
            if ((filled & (1 << i)) != 0)
                Groups[i].AddColumns(rows);
    }

    private static string Insert(int filled)
    {
        string[] columns =
        [
            "id", "user_id", "request_id", "model", "prompt_tokens", "completion_tokens", "user_price_cents", "billing_status", "occurred_at",
            "transaction_id", "balance_after_cents", "request_hash",
            .. Groups.Where((_, i) => (filled & (1 << i)) != 0).SelectMany(g => g.Columns),
        ];
        return $"""
            INSERT INTO llm_usage (created_at, {string.Join(", ", columns)})
            SELECT $1, u.* FROM unnest({string.Join(", ", columns.Select((_, i) => $"${i + 2}"))}) AS u
            """;
    }

    private sealed record Group(string[] Columns, Predicate<KeptUsage> IsFilled, Action<StateSaver.Rows<KeptUsage>> AddColumns);
}
