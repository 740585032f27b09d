using Factumerit.Ledger.Commands;
using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Saves the usages of a batch with their aliases and costs. The statement omits columns that no usage of the batch
/// fills, so a plain report of an amount does not pay for absent values. If the batch posts nothing but usages, the
/// same statement derives entries and history from the usage rows, so no value is sent twice.
/// </summary>
internal static class UsageSaver
{
    // Groups of columns that are usually filled together. They are few enough that each combination stays a prepared
    // statement.
    private static readonly Group[] Groups =
    [
        // Nearly all usages are billed when they are recorded, and their requests give no time of their own.
        new(
            ["billing_status", "occurred_at"],
            u => u.Usage.BillingStatus != Usage.Billed || u.Request!.OccurredAt is not null,
            rows => rows
                .Column(u => u.Usage.BillingStatus)
                .Column(u => u.Usage.OccurredAt.UtcDateTime)),
        new(
            ["provider"],
            u => u.Usage.Provider is not null,
            rows => rows
                .Column(u => u.Usage.Provider)),
        new(
            ["provider_cost_usd", "markup_factor", "price_version"],
            u => u.Usage.ProviderCostUsd is not null || u.Usage.MarkupFactor is not null,
            rows => rows
                .Column(u => u.Usage.ProviderCostUsd)
                .Column(u => u.Usage.MarkupFactor)
                .Column(u => u.Usage.PriceVersion)),
        new(
            ["cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "usage"],
            u => u.Request!.HasTokenDetails,
            rows => rows
                .Column(u => (int?)u.Request!.CacheReadTokens)
                .Column(u => (int?)u.Request!.CacheWriteTokens)
                .Column(u => (int?)u.Request!.ReasoningTokens)
                .Column(u => u.Request!.Usage?.GetRawText(), NpgsqlDbType.Jsonb)),
        new(
            ["source_system", "external_id", "virtual_key_id", "review_reason", "payer_hint"],
            u => u.Origin is not null || u.Usage.ReviewReason is not null,
            rows => rows
                .Column(u => u.Origin?.SourceSystem ?? "api")
                .Column(u => u.Origin?.Aliases[0])
                .Column(u => u.Origin?.VirtualKeyId)
                .Column(u => u.Usage.ReviewReason)
                .Column(u => u.Origin?.PayerHint, NpgsqlDbType.Jsonb)),
        new(
            ["description", "reference_id", "metadata"],
            u => u.Request!.HasNotes,
            rows => rows
                .Column(u => u.Request!.Description)
                .Column(u => u.Request!.ReferenceId)
                .Column(u => u.Request!.Metadata?.GetRawText(), NpgsqlDbType.Json)),
    ];

    private static readonly string[] Statements =
        [.. Enumerable.Range(0, 1 << Groups.Length).Select(filled => Insert(ColumnsOf(filled)))];

    private static readonly string[] PostingStatements =
        [.. Enumerable.Range(0, 1 << Groups.Length).Select(filled => InsertAndPost(ColumnsOf(filled)))];

    private const string Aliases = """
        INSERT INTO usage_aliases (source_system, external_id, usage_id) SELECT * FROM unnest($1, $2, $3)
        """;

    private const string ProviderCosts = """
        INSERT INTO provider_usage_costs AS p (provider, cost_usd, written_down_cents)
        SELECT provider, sum(cost_usd), 0 FROM unnest($1, $2) AS c (provider, cost_usd) GROUP BY provider
        ON CONFLICT (provider) DO UPDATE SET cost_usd = p.cost_usd + excluded.cost_usd
        """;

    /// <summary>
    /// Whether the commit posts nothing but the prices of its usages, with one transaction each and in the same order.
    /// Saving the usages then saves entries and history as well.
    /// </summary>
    public static bool PostsAll(LedgerState state)
    {
        var (usages, entries) = (state.NewUsages, state.NewEntries);
        if (usages.Count == 0 || entries.Count != 2 * usages.Count)
            return false;
        for (var i = 0; i < usages.Count; i++)
            if (usages[i].Usage.TransactionId != entries[2 * i].Transaction.Id)
                return false;
        return true;
    }

    public static void Save(NpgsqlBatch batch, LedgerState state)
    {
        if (state.NewUsages.Count > 0)
            SaveUsages(batch, state);
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

    private static void SaveUsages(NpgsqlBatch batch, LedgerState state)
    {
        var (usages, postsAll) = (state.NewUsages, PostsAll(state));
        var filled = 0;
        for (var i = 0; i < Groups.Length; i++)
            if (usages.Exists(Groups[i].IsFilled))
                filled |= 1 << i;
        var rows = new StateSaver.Rows<KeptUsage>(batch, (postsAll ? PostingStatements : Statements)[filled], usages)
            .Value(state.Now.UtcDateTime)
            .Column(u => u.Usage.UsageId)
            .Column(u => u.Usage.UserId)
            .Column(u => u.Usage.RequestId)
            .Column(u => u.Request!.Model)
            .Column(u => (int?)u.Request!.PromptTokens)
            .Column(u => (int?)u.Request!.CompletionTokens)
            .Column(u => u.Usage.AmountCents)
            .Column(u => u.Usage.TransactionId)
            .Column(u => u.Usage.UserId is null ? null : (decimal?)u.Usage.BalanceCents)
            .Column(u => u.RequestHash)
            .Column(u => u.PostedBy!.Id);
        for (var i = 0; i < Groups.Length; i++)
            if ((filled & (1 << i)) != 0)
                Groups[i].AddColumns(rows);
    }

    private static string[] ColumnsOf(int filled) =>
    [
        "id", "user_id", "request_id", "model", "prompt_tokens", "completion_tokens", "user_price_cents",
        "transaction_id", "balance_after_cents", "request_hash", "posted_by",
        .. Groups.Where((_, i) => (filled & (1 << i)) != 0).SelectMany(g => g.Columns),
    ];

    private static string Insert(string[] columns) => $"{InsertUsages(columns)} FROM {RowsOf(columns)}";

    // The defaults, if no usage of the batch differs: it is billed, and occurred at the time of the commit.
    private static string InsertUsages(string[] columns) => columns.Contains("billing_status")
        ? $"INSERT INTO llm_usage (created_at, {string.Join(", ", columns)}) SELECT $1, u.*"
        : $"INSERT INTO llm_usage (created_at, billing_status, occurred_at, {string.Join(", ", columns)})"
            + $" SELECT $1, '{Usage.Billed}', $1, u.*";

    // Also inserts the entries that the command Usage posts, and their history (R14): the price moves from the user's
    // account to the expense account of the calls. The usage rows keep the order of the decisions, and so do the ids of
    // entries and history (R13). The two entries of a transaction depend on its usage row, so no query plan can swap
    // them. The insert of the usages is the main statement, which runs first: if an idempotency key is already known
    // (R9), it fails before an entry has taken an id.
    private static string InsertAndPost(string[] columns)
    {
        var description = columns.Contains("description") ? "u.description" : "NULL";
        return $$"""
            WITH u AS (SELECT * FROM {{RowsOf(columns)}}),
            entries AS (
                INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, description,
                                            reference_type, reference_id, posted_by, created_at)
                SELECT u.transaction_id, e.account, e.debit_cents, e.credit_cents, {{description}},
                       '{{Usage.ReferenceType}}', u.request_id, u.posted_by, $1
                FROM u CROSS JOIN LATERAL (VALUES
                    ('{{ChartOfAccounts.User("")}}' || u.user_id, u.user_price_cents, 0),
                    ('{{ChartOfAccounts.ApiExpense}}', 0, u.user_price_cents))
                    AS e (account, debit_cents, credit_cents)),
            history AS (
                INSERT INTO budget_transactions (user_id, amount_cents, balance_after, transaction_type, description,
                                                 created_at)
                SELECT u.user_id, -u.user_price_cents, u.balance_after_cents, '{{Usage.ReferenceType}}',
                       {{description}}, $1
                FROM u)
            {{InsertUsages(columns)}} FROM u
            """;
    }

    private static string RowsOf(string[] columns) =>
        $"unnest({string.Join(", ", columns.Select((_, i) => $"${i + 2}"))}) AS u ({string.Join(", ", columns)})";

    private sealed record Group(
        string[] Columns, Predicate<KeptUsage> IsFilled, Action<StateSaver.Rows<KeptUsage>> AddColumns);
}
