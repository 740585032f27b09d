using System.Text.Json;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>
/// What a call at LiteLLM is as a usage here: whose it is, what it cost as far as LiteLLM knows, and under which ids it is known (R17).
/// docs/litellm.md tells the same to people.
/// </summary>
public sealed class CallMapping(CurrentPrices prices, IOptions<LiteLlmOptions> options, TimeProvider clock)
{
    public const string SourceSystem = "litellm";

    // What a usage's time may be ahead of ours; a clock that is further ahead says nothing.
    private static readonly TimeSpan AheadMax = TimeSpan.FromMinutes(5);

    /// <summary>Whether nobody has to pay for it: it failed, and cost nothing.</summary>
    public static bool IsSkipped(LiteLlmCall call) => !call.IsSuccess && call.CostUsd is not > 0;

    public ReportedCall Map(LiteLlmCall call, KeyOwner? owner) => new(
        new UsageRequest
        {
            UserId = UserOf(call, owner),
            RequestId = call.Aliases[0],
            Model = ModelOf(call),
            Provider = call.Provider is null ? null : Vendors.NameOf(call.Provider),
            ProviderCostUsd = CostOf(call),
            PromptTokens = call.PromptTokens,
            CompletionTokens = call.CompletionTokens,
            CacheReadTokens = call.CacheReadTokens,
            CacheWriteTokens = call.CacheWriteTokens,
            ReasoningTokens = call.ReasoningTokens,
            Usage = call.UsageJson is null ? null : JsonElement.Parse(call.UsageJson),
            OccurredAt = TimeOf(call),
        },
        new UsageOrigin(SourceSystem, call.Aliases) { VirtualKeyId = owner?.VirtualKeyId, EnforceBalance = false });

    /// <summary>The cost in US dollars, where LiteLLM knows it: it writes 0 for what it doesn't know, too.</summary>
    public decimal? CostOf(LiteLlmCall call) => call.CostUsd == 0 && HasTokens(call) && !call.CacheHit && !IsFree(call) ? null : call.CostUsd;

    // What we made goes before what LiteLLM says of it, and that before what its caller says.
    private string? UserOf(LiteLlmCall call, KeyOwner? owner)
    {
        if (owner is not null)
            return owner.UserId;
        if (call.KeyUserId is { } user && ChartOfAccounts.IsUserId(user))
            return user;
        return options.Value.TrustEndUser && call.EndUser is { } endUser && ChartOfAccounts.IsUserId(endUser) ? endUser : null;
    }

    private bool IsFree(LiteLlmCall call) =>
        ModelOf(call) is { } model
        && prices.Pricer.IsFree(model, call.Provider is null ? null : Vendors.NameOf(call.Provider), TimeOf(call) ?? clock.GetUtcNow());

    private DateTimeOffset? TimeOf(LiteLlmCall call) => call.OccurredAt > clock.GetUtcNow() + AheadMax ? null : call.OccurredAt;

    private static bool HasTokens(LiteLlmCall call) =>
        call.PromptTokens > 0 || call.CompletionTokens > 0 || call.CacheReadTokens > 0 || call.CacheWriteTokens > 0 || call.ReasoningTokens > 0;

    private static string? ModelOf(LiteLlmCall call) => call.Model ?? call.ModelGroup;
}
