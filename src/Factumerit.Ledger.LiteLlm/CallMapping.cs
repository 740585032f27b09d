using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Maps a call at LiteLLM to a usage: its user, its cost as far as LiteLLM knows it, and its ids (R17). docs/litellm.md
/// describes the same rules for users.
/// </summary>
public sealed class CallMapping(CurrentPrices prices, IOptions<LiteLlmOptions> options, TimeProvider clock)
{
    public const string SourceSystem = "litellm";

    private static readonly FrozenSet<string> Nobody = ((string[])["null", "undefined", "none", "nan", "0", "false"])
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Anybody = ((string[])["true", "unknown", "anonymous"])
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Whether the call is not recorded: it failed and generated nothing, or it only managed an object at the provider.
    /// </summary>
    public static bool IsSkipped(LiteLlmCall call)
    {
        if (call.CostUsd > 0 || call.Unreadable is not (null or "model"))
            return false;
        return call.IsManaging ? !call.HasTokens : !call.IsSuccess && !call.HasGenerated;
    }

    public ReportedCall Map(LiteLlmCall call, KeyOwner? owner)
    {
        var (userId, costUsd) = (UserOf(call, owner), CostOf(call));
        // Without tokens and cost leave the counts unknown, so that a later report can fill them in.
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
            OriginOf(call, costUsd, IsOfNoVendor(call)) with
            {
                VirtualKeyId = owner?.VirtualKeyId,
                PayerHint = userId is null ? HintOf(call) : null,
            });
    }

    /// <summary>
    /// The cost in US dollars; null if LiteLLM doesn't know it. LiteLLM also writes 0 for an unknown cost.
    /// </summary>
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
            // The cost of a batch is reported when the batch is read. Any other object was paid for by the call that
            // made it. A spend log of a batch has an id that doesn't identify the batch.
            ReviewReason = call.IsManaging && (call.IsSpendLog || !CallTypes.IsBatch(call.CallType))
                ? ReviewReasons.Retrieved
                : costUsd is not null ? null
                : call.IsCostUnusable ? unreadable
                : isOfNoVendor ? ReviewReasons.UnknownModel
                : call.AreTokensUnreadable ? unreadable
                : call.DoTokensDisagree ? ReviewReasons.TokensDisagree : null,
            UnpricedReason = unreadable,
        };
    }

    // Precedence: the owner of a key made by the ledger, then LiteLLM's user of the key, then the caller's end user.
    private string? UserOf(LiteLlmCall call, KeyOwner? owner)
    {
        if (owner is not null)
            return owner.UserId;
        if (call.KeyUserId is { } user && ChartOfAccounts.IsUserId(user) && !Nobody.Contains(user))
            return user;
        return options.Value.TrustEndUser
            && call.EndUser is { } endUser && ChartOfAccounts.IsUserId(endUser) && IsSomebody(endUser)
            ? endUser
            : null;
    }

    // Programs write placeholders when they have no user. Claude Code writes the name of its session.
    private static bool IsSomebody(string endUser) =>
        !Nobody.Contains(endUser) && !Anybody.Contains(endUser) && endUser.Any(char.IsAsciiLetterOrDigit)
        && !endUser.StartsWith("session_", StringComparison.OrdinalIgnoreCase)
        && !endUser.Contains("_session_", StringComparison.OrdinalIgnoreCase);

    private bool IsFree(LiteLlmCall call) =>
        !IsOfNoVendor(call) && ModelOf(call) is { } model
        && prices.Pricer.IsFree(model, ProviderOf(call), call.OccurredAt ?? clock.GetUtcNow());

    private static string? ModelOf(LiteLlmCall call) => call.Model ?? call.ModelGroup;

    // A provider whose name can't be an account name is not the vendor of any entry in the price book.
    private static bool IsOfNoVendor(LiteLlmCall call) => call.Provider is not null && ProviderOf(call) is null;

    private static string? ProviderOf(LiteLlmCall call) => call.Provider is null ? null : Vendors.NameOf(call.Provider);

    // The provider's usage object. If it has no service tier, the tier from other fields is added: prices depend on it.
    private static JsonElement? UsageOf(LiteLlmCall call)
    {
        JsonElement? usage = call.UsageJson is null ? null : JsonElement.Parse(call.UsageJson);
        var tier = CallTypes.IsBatch(call.CallType) ? "batch" : call.ServiceTier;
        if (tier is not ("priority" or "flex" or "batch")
            || usage?.TryGetProperty("service_tier", out var own) == true && own.ValueKind != JsonValueKind.Null)
            return usage;
        // If the object already has service_tier, its value is null. Of two properties with one name the last counts.
        var others = usage?.EnumerateObject().Any() == true ? $"{call.UsageJson.AsSpan().TrimEnd()[..^1]}," : "{";
        return JsonElement.Parse($"{others}\"service_tier\":\"{tier}\"}}");
    }

    private static string? HintOf(LiteLlmCall call)
    {
        var hint = new JsonObject();
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[
            ("key_alias", call.KeyAlias), ("key_hash", call.KeyHash), ("user_id", call.KeyUserId),
            ("email", call.Email), ("end_user", call.EndUser)])
            if (value is not null)
                hint[name] = value;
        return hint.Count == 0 ? null : hint.ToJsonString();
    }
}
