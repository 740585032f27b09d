using System.Text.Json;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>What commands read from a stored usage.</summary>
internal static class StoredUsage
{
    extension(UsageRow usage)
    {
        public TokenCounts Tokens => new(
            usage.PromptTokens, usage.CompletionTokens, usage.CacheReadTokens, usage.CacheWriteTokens,
            usage.ReasoningTokens);

        public UsageRow WithTokens(TokenCounts tokens) => usage with
        {
            PromptTokens = (int?)tokens.Prompt,
            CompletionTokens = (int?)tokens.Completion,
            CacheReadTokens = (int?)tokens.CacheRead,
            CacheWriteTokens = (int?)tokens.CacheWrite,
            ReasoningTokens = (int?)tokens.Reasoning,
        };

        /// <summary>The usage as an answer, with the balance after it was recorded.</summary>
        public RecordedUsage ToRecorded() => usage.ToAnswer(usage.BalanceAfterCents);

        /// <summary>The usage as an answer, with the balance after its review.</summary>
        public RecordedUsage ToReviewed() => usage.ToAnswer(usage.ReviewBalanceCents);

        /// <summary>
        /// The price from the known cost, else from the price book as of the call, else from the price book as of now.
        /// Without the last step, a model whose first prices are dated after the call would never be priced.
        /// </summary>
        public PricedCall Price(Pricer pricer, DateTimeOffset now)
        {
            if (usage.ProviderCostUsd is null && ReviewReasons.AreTokensDoubtful(usage.ReviewReason))
                return new PricedCall { Provider = usage.Provider, ReviewReason = usage.ReviewReason };
            JsonElement? reported = usage.Usage is { } json ? JsonElement.Parse(json) : null;
            var call = PriceAt(usage.OccurredAt);
            return call.ReviewReason == ReviewReasons.UnknownModel ? PriceAt(now) : call;

            PricedCall PriceAt(DateTimeOffset time) => pricer.Price(
                usage.Model, usage.Provider, usage.ProviderCostUsd, usage.Tokens, reported, time, now);
        }

        private RecordedUsage ToAnswer(decimal? balanceCents) => new()
        {
            UsageId = usage.Id,
            RequestId = usage.RequestId,
            UserId = usage.UserId,
            AmountCents = usage.UserPriceCents,
            BillingStatus = usage.BillingStatus,
            ReviewReason = usage.ReviewReason,
            TransactionId = usage.TransactionId,
            BalanceCents = balanceCents ?? 0,
            Model = usage.Model,
            Provider = usage.Provider,
            ProviderCostUsd = usage.ProviderCostUsd,
            MarkupFactor = usage.MarkupFactor,
            PriceVersion = usage.PriceVersion,
            OccurredAt = usage.OccurredAt,
            CreatedAt = usage.CreatedAt,
        };
    }
}
