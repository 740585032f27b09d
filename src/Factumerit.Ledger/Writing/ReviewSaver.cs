using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Loads the usages that commands review, and writes what they decided: one statement each, in the batches of <see cref="StateLoader"/> and
/// <see cref="StateSaver"/>.
/// </summary>
internal static class ReviewSaver
{
    private const string Waiting = """
        SELECT id, request_id, request_hash, user_id, billing_status, review_reason, model, provider,
               prompt_tokens, completion_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, description, occurred_at, created_at,
               user_price_cents, provider_cost_usd, markup_factor, price_version, transaction_id, review_balance_cents,
               reviewed_by, reviewed_at, review_note, review_key, review_hash, usage
        FROM llm_usage WHERE id = ANY ($1)
        """;

    // What is known already stays (R15).
    private const string Reviews = """
        UPDATE llm_usage u SET
            billing_status = r.billing_status, user_price_cents = r.user_price_cents, user_id = coalesce(u.user_id, r.user_id),
            provider = coalesce(u.provider, r.provider), provider_cost_usd = coalesce(u.provider_cost_usd, r.provider_cost_usd),
            markup_factor = coalesce(u.markup_factor, r.markup_factor), price_version = coalesce(u.price_version, r.price_version),
            transaction_id = r.transaction_id, review_balance_cents = r.review_balance_cents,
            reviewed_by = r.reviewed_by, reviewed_at = $1, review_note = r.review_note, review_key = r.review_key, review_hash = r.review_hash
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            AS r (id, billing_status, user_price_cents, user_id, provider, provider_cost_usd, markup_factor, price_version, transaction_id,
                  review_balance_cents, reviewed_by, review_note, review_key, review_hash)
        WHERE u.id = r.id
        """;

    public static NpgsqlBatchCommand Look(Guid[] usageIds) => new(Waiting) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = usageIds } } };

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
        Tokens = new TokenCounts(Count(reader, 8), Count(reader, 9), Count(reader, 10), Count(reader, 11), Count(reader, 12)),
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
    };

    public static void Save(NpgsqlBatch batch, LedgerState state)
    {
        if (state.NewReviews.Count == 0)
            return;
        new StateSaver.Rows<UsageUnderReview>(batch, Reviews, state.NewReviews)
            .Value(state.Now.UtcDateTime)
            .Column(u => u.UsageId)
            .Column(u => u.BillingStatus)
            .Column(u => u.AmountCents)
            .Column(u => u.UserId)
            .Column(u => u.Provider)
            .Column(u => u.ProviderCostUsd)
            .Column(u => u.MarkupFactor)
            .Column(u => u.PriceVersion)
            .Column(u => u.TransactionId)
            .Column(u => u.BalanceCents)
            .Column(u => u.ReviewedBy)
            .Column(u => u.ReviewNote)
            .Column(u => u.ReviewKey)
            .Column(u => u.ReviewHash);
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static long? Count(NpgsqlDataReader reader, int column) => reader.GetFieldValue<int?>(column);
}
