using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Loads the data that the commands of a batch name, in one round trip: the time, the budgets (rows locked in user_id
/// order), the usages and idempotency keys that may be known already, and the account totals if a command reads them.
/// </summary>
internal static class StateLoader
{
    // A clock that is set back must not break the order of created_at (R13).
    private const string Origin = """
        SELECT greatest(clock_timestamp(), CASE WHEN newest.id > last_entry_id THEN newest.created_at END),
               opening_cents, clock_timestamp()
        FROM ledger_origin LEFT JOIN (SELECT id, created_at FROM ledger_entries ORDER BY id DESC LIMIT 1) newest ON true
        """;

    private const string UserColumns =
        "user_id, balance_cents, total_spent_cents, total_added_cents, promo_expires_at, created_at, updated_at, "
        + "deleted_at, signed_up_at";

    private const string Users = $"""
        SELECT {UserColumns}
        FROM user_budgets WHERE user_id = ANY ($1) ORDER BY user_id FOR NO KEY UPDATE
        """;

    private const int UsageColumnCount = 26;

    private const string UsageColumns = """
        u.user_id, u.request_id, u.request_hash, u.id, u.user_price_cents, u.billing_status, u.transaction_id,
        u.balance_after_cents, u.occurred_at, u.created_at,
        u.model, u.provider, u.provider_cost_usd, u.markup_factor, u.price_version, u.review_reason, u.reviewed_at,
        u.filled_at, u.external_id,
        u.prompt_tokens, u.completion_tokens, u.cache_read_tokens, u.cache_write_tokens, u.reasoning_tokens,
        u.description, u.usage
        """;

    // The join condition is the expression of the index uq_llm_usage_user_request, so the join uses that index.
    private const string Usages = $"""
        SELECT {UsageColumns}
        FROM unnest($1, $2) AS asked (user_id, request_id)
        JOIN llm_usage u ON u.user_id || ' ' || u.request_id = asked.user_id || ' ' || asked.request_id
        """;

    private const string Aliases = $"""
        SELECT {UsageColumns}, a.source_system, a.external_id
        FROM unnest($1, $2) AS asked (source_system, external_id)
        JOIN usage_aliases a ON a.source_system = asked.source_system AND a.external_id = asked.external_id
        JOIN llm_usage u ON u.id = a.usage_id
        """;

    private const string Answers = """
        SELECT k.operation, k.key, k.request_hash, k.answer
        FROM unnest($1, $2) AS asked (operation, key)
        JOIN idempotency_keys k ON k.operation = asked.operation AND k.key = asked.key
        """;

    private const string Totals = "SELECT account, debits_cents, credits_cents, entry_count FROM account_totals";

    // Truncated in the database, because a sum of costs may need more digits than a decimal has. The bound fits in a
    // decimal, and no operation takes more than the bound.
    private static readonly string UnwrittenCosts = $"""
        SELECT provider, least(trunc(due, 7), 1e15), trim_scale(due - trunc(due, 7))
        FROM (SELECT provider, cost_usd * 100 - written_down_cents AS due FROM provider_usage_costs 
              WHERE {VendorSql.Of("provider")} = ANY ($1) ORDER BY provider FOR NO KEY UPDATE) c
        """;

    public static async Task<LedgerState> LoadAsync(Turn turn, IReadOnlyList<Command> commands)
    {
        string[] users = [.. commands.Select(c => c.UserId).OfType<string>().Distinct(StringComparer.Ordinal)];
        List<Part> parts =
        [
            new(Command(Users, users), (state, r) => state.Load(ReadUser(r))),
            .. UsageParts(commands),
            .. OtherParts(commands),
        ];
        await using var batch = turn.NewBatch();
        batch.BatchCommands.Add(new(Origin));
        foreach (var part in parts)
            batch.BatchCommands.Add(part.Command);

        await using var reader = await batch.ExecuteReaderAsync();
        await reader.ReadAsync();
        var state = new LedgerState(reader.GetFieldValue<DateTimeOffset>(0))
        {
            OpeningCents = reader.GetDecimal(1),
            DatabaseTime = reader.GetFieldValue<DateTimeOffset>(2),
        };
        foreach (var part in parts)
            await ReadAllAsync(reader, r => part.Load(state, r));
        await reader.DisposeAsync();
        if (state.Waiting.Count > 0)
            await LoadForAsync(turn, state, users);
        return state;
    }

    private static IEnumerable<Part> UsageParts(IReadOnlyList<Command> commands)
    {
        var usages = commands
            .Where(c => c.UserId is not null)
            .SelectMany(c => RequestIdsOf(c).Select(id => (UserId: c.UserId!, RequestId: id)))
            .Distinct()
            .ToList();
        if (usages.Count > 0)
            yield return new(
                Command(Usages, usages.Select(u => u.UserId).ToArray(), usages.Select(u => u.RequestId).ToArray()),
                (state, r) => state.Load(ReadUsage(r)));
        var aliases = commands
            .Select(c => c.Aliases)
            .OfType<(string SourceSystem, IReadOnlyList<string> ExternalIds)>()
            .SelectMany(a => a.ExternalIds, (a, externalId) => (a.SourceSystem, ExternalId: externalId))
            .Distinct()
            .ToList();
        if (aliases.Count > 0)
            yield return new(
                Command(
                    Aliases, aliases.Select(a => a.SourceSystem).ToArray(),
                    aliases.Select(a => a.ExternalId).ToArray()),
                (state, r) => state.Load(
                    r.GetString(UsageColumnCount), r.GetString(UsageColumnCount + 1), ReadUsage(r)));
        Guid[] reviews = [.. commands.Select(c => c.UsageId).OfType<Guid>().Distinct()];
        if (reviews.Length > 0)
            yield return new(ReviewSaver.Look(reviews), (state, r) => state.Load(ReviewSaver.Read(r)));
    }

    private static IEnumerable<Part> OtherParts(IReadOnlyList<Command> commands)
    {
        var answers = commands.Select(c => c.AnswerKey).OfType<(string Operation, string Key)>().Distinct().ToList();
        if (answers.Count > 0)
            yield return new(
                Command(Answers, answers.Select(a => a.Operation).ToArray(), answers.Select(a => a.Key).ToArray()),
                (state, r) => state.Load(
                    new KeptAnswer(r.GetString(0), r.GetString(1), r.GetInt64(2), r.GetString(3))));
        string[] costs = [.. commands.Select(c => c.UsageCostOf).OfType<string>().Distinct(StringComparer.Ordinal)];
        if (costs.Length > 0)
            yield return new(
                Command(UnwrittenCosts, costs),
                (state, r) => state.Load(new UnwrittenCost(r.GetString(0), r.GetDecimal(1), r.GetDecimal(2))));
        if (commands.Any(c => c.ReadsTotals))
            yield return new(new(Totals), (state, r) => state.Load(ReadTotal(r)));
        Guid[] keys = [.. commands.Select(c => c.VirtualKeyId).OfType<Guid>().Distinct()];
        if (keys.Length > 0)
            yield return new(
                VirtualKeyLoader.Command(keys), (state, r) => state.VirtualKeys.Load(VirtualKeyLoader.Read(r)));
    }

    // A command may bill a waiting usage without naming its user, so that user's budget is loaded. A command that names
    // a user may assign a waiting usage without a user to it. That user may already have a usage with the same request
    // id (R9), so that usage is loaded. Waiting usages are rare, so a second round trip is acceptable.
    private static async Task LoadForAsync(Turn turn, LedgerState state, string[] users)
    {
        string[] more =
        [
            .. state.Waiting
                .Select(w => w.UserId)
                .OfType<string>()
                .Distinct(StringComparer.Ordinal)
                .Except(users, StringComparer.Ordinal),
        ];
        var pairs = state.Waiting
            .Where(w => w.UserId is null)
            .SelectMany(w => users, (w, user) => (UserId: user, w.RequestId))
            .Distinct()
            .ToList();
        await using var batch = turn.NewBatch();
        batch.BatchCommands.Add(Command(Users, more));
        batch.BatchCommands.Add(Command(Usages, [.. pairs.Select(p => p.UserId)], [.. pairs.Select(p => p.RequestId)]));
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            state.Load(ReadUser(reader));
        await ReadAllAsync(reader, r => state.Load(ReadUsage(r)));
    }

    // A client may have reported a call under any of the ids that the call has at another system.
    private static IEnumerable<string> RequestIdsOf(Command command) =>
        command.Aliases is { } aliases
            ? aliases.ExternalIds.Where(id => !id.StartsWith(UsageOrigin.DerivedPrefix, StringComparison.Ordinal))
            : command.RequestId is { } id ? [id] : [];

    private static NpgsqlBatchCommand Command(string sql, params string[][] arrays)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var array in arrays)
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = array });
        return command;
    }

    private static async Task ReadAllAsync(NpgsqlDataReader reader, Action<NpgsqlDataReader> read)
    {
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
            read(reader);
    }

    private static UserAccount ReadUser(NpgsqlDataReader reader) => new()
    {
        UserId = reader.GetString(0),
        BalanceCents = reader.GetDecimal(1),
        TotalSpentCents = reader.GetDecimal(2),
        TotalAddedCents = reader.GetDecimal(3),
        PromoExpiresAt = reader.GetFieldValue<DateTimeOffset?>(4),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(5),
        UpdatedAt = reader.GetFieldValue<DateTimeOffset>(6),
        DeletedAt = reader.GetFieldValue<DateTimeOffset?>(7),
        SignedUpAt = reader.GetFieldValue<DateTimeOffset?>(8),
    };

    private static KeptUsage ReadUsage(NpgsqlDataReader reader) => new(
        reader.GetInt64(2),
        null,
        new RecordedUsage
        {
            UserId = Text(reader, 0),
            RequestId = reader.GetString(1),
            UsageId = reader.GetGuid(3),
            AmountCents = reader.GetFieldValue<decimal?>(4),
            BillingStatus = reader.GetString(5),
            TransactionId = reader.GetFieldValue<Guid?>(6),
            BalanceCents = reader.GetFieldValue<decimal?>(7) ?? 0,
            OccurredAt = reader.GetFieldValue<DateTimeOffset>(8),
            CreatedAt = reader.GetFieldValue<DateTimeOffset>(9),
            Model = Text(reader, 10),
            Provider = Text(reader, 11),
            ProviderCostUsd = reader.GetFieldValue<decimal?>(12),
            MarkupFactor = reader.GetFieldValue<decimal?>(13),
            PriceVersion = reader.GetFieldValue<long?>(14),
            ReviewReason = Text(reader, 15),
        })
    {
        ReviewedAt = reader.GetFieldValue<DateTimeOffset?>(16),
        FilledAt = reader.GetFieldValue<DateTimeOffset?>(17),
        ExternalId = Text(reader, 18),
        Tokens = new TokenCounts(
            Count(reader, 19), Count(reader, 20), Count(reader, 21), Count(reader, 22), Count(reader, 23)),
        Description = Text(reader, 24),
        UsageJson = Text(reader, 25),
    };

    private static long? Count(NpgsqlDataReader reader, int column) => reader.GetFieldValue<int?>(column);

    private static string? Text(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);

    private static AccountTotal ReadTotal(NpgsqlDataReader reader) => new()
    {
        Account = reader.GetString(0),
        DebitsCents = reader.GetDecimal(1),
        CreditsCents = reader.GetDecimal(2),
        EntryCount = reader.GetInt64(3),
    };

    /// <summary>A query of the round trip, and what loads each of its rows.</summary>
    private sealed record Part(NpgsqlBatchCommand Command, Action<LedgerState, NpgsqlDataReader> Load);
}
