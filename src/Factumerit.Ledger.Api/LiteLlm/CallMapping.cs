using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>
/// What a call at LiteLLM is as a usage here: whose it is, what it cost as far as LiteLLM knows, and under which ids it is known (R17).
/// docs/litellm.md says the same to people.
/// </summary>
public sealed class CallMapping(CurrentPrices prices, IOptions<LiteLlmOptions> options, TimeProvider clock)
{
    public const string SourceSystem = "litellm";

    // What a usage's time may be ahead of ours; a clock that is further ahead says nothing.

    private static readonly FrozenSet<string> Nobody = ((string[])["null", "undefined", "none", "nan", "0", "false"])
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Anybody = ((string[])["true", "unknown", "anonymous"]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether nobody has to pay for it: it failed and generated nothing, or it only kept an object at the provider.</summary>
    public static bool IsSkipped(LiteLlmCall call)
    {
        if (call.CostUsd > 0 || call.Unreadable is not (null or "model"))
            return false;
        return call.IsManaging ? !call.HasTokens : !call.IsSuccess && !call.HasGenerated;
    }

    public ReportedCall Map(LiteLlmCall call, KeyOwner? owner)
    {
        var (userId, costUsd) = (UserOf(call, owner), CostOf(call));
        // A report that says nothing leaves room for the one that knows.
        var saysTokens = call.HasTokens || costUsd is not null;
        return new ReportedCall(
            new UsageRequest
            {
                UserId = userId,
                RequestId = call.Aliases[0],
                Model = ModelOf(call),
                Provider = ProviderOf(call),
                ProviderCostUsd = costUsd,
                PromptTokens = saysTokens ? call.PromptTokens : null,
                CompletionTokens = saysTokens ? call.CompletionTokens : null,
                CacheReadTokens = saysTokens ? call.CacheReadTokens : null,
                CacheWriteTokens = saysTokens ? call.CacheWriteTokens : null,
                ReasoningTokens = saysTokens ? call.ReasoningTokens : null,
                Usage = UsageOf(call),
                OccurredAt = call.OccurredAt,
            },
            OriginOf(call, costUsd, IsOfNoVendor(call)) with { VirtualKeyId = owner?.VirtualKeyId, PayerHint = userId is null ? HintOf(call) : null });
    }

    /// <summary>The cost in US dollars, where LiteLLM knows it: it writes 0 for what it doesn't know, too.</summary>
    public decimal? CostOf(LiteLlmCall call) => call.CostUsd switch
    {
        > 0 => call.CostUsd,
        _ when call.CacheHit => 0,
        0 when IsFree(call) => 0,
        _ => null,
    };

    private static UsageOrigin OriginOf(LiteLlmCall call, decimal? costUsd, bool isOfNoVendor)
    {
        var unreadable = call.Unreadable is null ? null : ReviewReasons.UnreadablePrefix + call.Unreadable;
        return new UsageOrigin(SourceSystem, call.Aliases, call.DerivedId)
        {
            CallId = call.IsManaging ? null : call.CallId,
            IsRetrieval = call.IsManaging,
            IsRecord = call.IsSpendLog,
            IsStartUnknown = call.IsStartUnknown,
            BatchId = call.BatchId,
            AreTokensDoubtful = call.DoTokensDisagree || call.AreTokensUnreadable,
            // The cost of a batch comes when it is read; all else that is only read was paid for when it was made. A
            // spend log of a batch has an id that says nothing.
            ReviewReason = call.IsManaging && (call.IsSpendLog || !CallTypes.IsBatch(call.CallType)) ? ReviewReasons.Retrieved
                : costUsd is not null ? null
                : call.IsCostUnusable ? unreadable
                : isOfNoVendor ? ReviewReasons.UnknownModel
                : call.AreTokensUnreadable ? unreadable
                : call.DoTokensDisagree ? ReviewReasons.TokensDisagree : null,
            UnpricedReason = unreadable,
        };
    }

    // What we made goes before what LiteLLM says of it, and that before what its caller says.
    private string? UserOf(LiteLlmCall call, KeyOwner? owner)
    {
        if (owner is not null)
            return owner.UserId;
        if (call.KeyUserId is { } user && ChartOfAccounts.IsUserId(user) && !Nobody.Contains(user))
            return user;
        return options.Value.TrustEndUser && call.EndUser is { } endUser && ChartOfAccounts.IsUserId(endUser) && IsSomebody(endUser) ? endUser : null;
    }

    // Programs write other names where they have no user. Claude Code names its session.
    private static bool IsSomebody(string endUser) =>
        !Nobody.Contains(endUser) && !Anybody.Contains(endUser) && endUser.Any(char.IsAsciiLetterOrDigit)
        && !endUser.StartsWith("session_", StringComparison.OrdinalIgnoreCase) && !endUser.Contains("_session_", StringComparison.OrdinalIgnoreCase);

    private bool IsFree(LiteLlmCall call) =>
        !IsOfNoVendor(call) && ModelOf(call) is { } model && prices.Pricer.IsFree(model, ProviderOf(call), call.OccurredAt ?? clock.GetUtcNow());

    private static string? ModelOf(LiteLlmCall call) => call.Model ?? call.ModelGroup;

    // A provider whose name makes no account here is not the vendor of any entry in the price book.
    private static bool IsOfNoVendor(LiteLlmCall call) => call.Provider is not null && ProviderOf(call) is null;

    private static string? ProviderOf(LiteLlmCall call) => call.Provider is null ? null : Vendors.NameOf(call.Provider);

    // The provider's own account, with the tier that LiteLLM knows from elsewhere: prices depend on it.
    private static JsonElement? UsageOf(LiteLlmCall call)
    {
        JsonElement? usage = call.UsageJson is null ? null : JsonElement.Parse(call.UsageJson);
        var tier = CallTypes.IsBatch(call.CallType) ? "batch" : call.ServiceTier;
        if (tier is not ("priority" or "flex" or "batch") || usage?.TryGetProperty("service_tier", out var own) == true && own.ValueKind != JsonValueKind.Null)
            return usage;
        // The last of two holds: the other is null.
        var others = usage?.EnumerateObject().Any() == true ? $"{call.UsageJson.AsSpan().TrimEnd()[..^1]}," : "{";
        return JsonElement.Parse($"{others}\"service_tier\":\"{tier}\"}}");
    }

    private static string? HintOf(LiteLlmCall call)
    {
        var hint = new JsonObject();
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[
            ("key_alias", call.KeyAlias), ("key_hash", call.KeyHash), ("user_id", call.KeyUserId), ("email", call.Email), ("end_user", call.EndUser)])
            if (value is not null)
                hint[name] = value;
        return hint.Count == 0 ? null : hint.ToJsonString();
    }
}
