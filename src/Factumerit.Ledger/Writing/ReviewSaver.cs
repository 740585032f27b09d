using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Loads the usages that commands review, and saves the values that reviews or later reports added to waiting usages.
/// Loading and saving take one statement each, in the batches of <see cref="StateLoader"/> and
/// <see cref="StateSaver"/>.
/// </summary>
internal static class ReviewSaver
{
    private const string Waiting = """
        SELECT id, request_id, request_hash, user_id, billing_status, review_reason, model, provider,
               prompt_tokens, completion_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, description,
               occurred_at, created_at,
               user_price_cents, provider_cost_usd, markup_factor, price_version, transaction_id, review_balance_cents,
               reviewed_by, reviewed_at, review_note, review_key, review_hash, usage, filled_at, reviewed_by_id
        FROM llm_usage WHERE id = ANY ($1)
        """;

    // Values that are already known stay (R15).
    private const string Changes = """
        UPDATE llm_usage u SET
            billing_status = r.billing_status, user_price_cents = r.user_price_cents,
            user_id = coalesce(u.user_id, r.user_id),
            model = coalesce(u.model, r.model), provider = coalesce(u.provider, r.provider),
            provider_cost_usd = coalesce(u.provider_cost_usd, r.provider_cost_usd),
            markup_factor = coalesce(u.markup_factor, r.markup_factor),
            price_version = coalesce(u.price_version, r.price_version),
            prompt_tokens = coalesce(u.prompt_tokens, r.prompt_tokens),
            completion_tokens = coalesce(u.completion_tokens, r.completion_tokens),
            cache_read_tokens = coalesce(u.cache_read_tokens, r.cache_read_tokens),
            cache_write_tokens = coalesce(u.cache_write_tokens, r.cache_write_tokens),
            reasoning_tokens = coalesce(u.reasoning_tokens, r.reasoning_tokens), usage = coalesce(u.usage, r.usage),
            transaction_id = r.transaction_id, review_balance_cents = r.review_balance_cents,
            review_reason = r.review_reason, filled_at = r.filled_at,
            reviewed_by = r.reviewed_by, reviewed_by_id = r.reviewed_by_id,
            reviewed_at = r.reviewed_at, review_note = r.review_note, review_key = r.review_key,
            review_hash = r.review_hash
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                    $21, $22, $23, $24, $25)
            AS r (id, billing_status, user_price_cents, user_id, model, provider, provider_cost_usd, markup_factor,
                  price_version, prompt_tokens, completion_tokens, cache_read_tokens, cache_write_tokens,
                  reasoning_tokens, usage, transaction_id,
                  review_balance_cents, review_reason, filled_at, reviewed_by, reviewed_at, review_note, review_key,
                  review_hash, reviewed_by_id)
        WHERE u.id = r.id
        """;

    public static NpgsqlBatchCommand Look(Guid[] usageIds) =>
        new(Waiting) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = usageIds } } };

    public static UsageUnderReview Read(NpgsqlDataReader reader) => new()
    {
        UsageId = reader.GetGuid(0),
        RequestId = reader.GetString(1),
        RequestHash = reader.GetInt64(2),
        UserId = Text(reader, 3),
        BillingStatus = reader.GetString(4),
        ReviewReason = Text(reader, 5),
        Model = Text(reader, 6),
        Provider = Text(reader, 7),
        Tokens = new TokenCounts(
            Count(reader, 8), Count(reader, 9), Count(reader, 10), Count(reader, 11), Count(reader, 12)),
        Description = Text(reader, 13),
        OccurredAt = reader.GetFieldValue<DateTimeOffset>(14),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(15),
        AmountCents = reader.GetFieldValue<decimal?>(16),
        ProviderCostUsd = reader.GetFieldValue<decimal?>(17),
        MarkupFactor = reader.GetFieldValue<decimal?>(18),
        PriceVersion = reader.GetFieldValue<long?>(19),
        TransactionId = reader.GetFieldValue<Guid?>(20),
        BalanceCents = reader.GetFieldValue<decimal?>(21),
        ReviewedBy = Text(reader, 22),
        ReviewedAt = reader.GetFieldValue<DateTimeOffset?>(23),
        ReviewNote = Text(reader, 24),
        ReviewKey = Text(reader, 25),
        ReviewHash = reader.GetFieldValue<long?>(26),
        UsageJson = Text(reader, 27),
        FilledAt = reader.GetFieldValue<DateTimeOffset?>(28),
        ReviewedById = reader.GetFieldValue<int?>(29),
    };

    public static void Save(NpgsqlBatch batch, LedgerState state)
    {
        if (state.ChangedUsages.Count == 0)
            return;
        new StateSaver.Rows<UsageUnderReview>(batch, Changes, state.ChangedUsages)
            .Column(u => u.UsageId)
            .Column(u => u.BillingStatus)
            .Column(u => u.AmountCents)
            .Column(u => u.UserId)
            .Column(u => u.Model)
            .Column(u => u.Provider)
            .Column(u => u.ProviderCostUsd)
            .Column(u => u.MarkupFactor)
            .Column(u => u.PriceVersion)
            .Column(u => (int?)u.Tokens.Prompt)
            .Column(u => (int?)u.Tokens.Completion)
            .Column(u => (int?)u.Tokens.CacheRead)
            .Column(u => (int?)u.Tokens.CacheWrite)
            .Column(u => (int?)u.Tokens.Reasoning)
            .Column(u => u.UsageJson, NpgsqlDbType.Jsonb)
            .Column(u => u.TransactionId)
            .Column(u => u.BalanceCents)
            .Column(u => u.ReviewReason)
            .Column(u => u.FilledAt?.UtcDateTime)
            .Column(u => u.ReviewedBy)
            .Column(u => u.ReviewedAt?.UtcDateTime)
            .Column(u => u.ReviewNote)
            .Column(u => u.ReviewKey)
            .Column(u => u.ReviewHash)
            .Column(u => u.ReviewedById);
    }

    private static string? Text(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);

    private static long? Count(NpgsqlDataReader reader, int column) => reader.GetFieldValue<int?>(column);
}
