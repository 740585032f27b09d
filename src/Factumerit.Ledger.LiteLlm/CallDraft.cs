using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Collects the fields of a reported call. If several places report the same value, it decides which of them counts.
/// </summary>
internal sealed class CallDraft
{
    private const int IdCharactersMax = 255;
    private const int TextCharactersMax = 200;

    private static readonly Field[] Classes = [Field.CacheReadTokens, Field.CacheWriteTokens, Field.ReasoningTokens];

    private readonly UsageDraft[] _usages = [new(), new(), new(), new()];
    private readonly Dictionary<Level, decimal> _costsUsd = [];
    private readonly Dictionary<Field, decimal> _partsUsd = [];
    private readonly Dictionary<Level, string> _tiers = [];
    private readonly List<string> _unreadable = [];
    private string? _id, _callId, _requestId, _callType, _model, _modelGroup, _provider;
    private string? _keyHash, _keyAlias, _keyUserId, _email, _endUser, _metadataEndUser, _user;
    private decimal _marginUsd;
    private DateTimeOffset? _start, _end;
    private bool _isFailure;
    private string? _costUnreadable, _marginUnreadable, _partUnreadable;

    public bool CacheHit { get; set; }

    /// <summary>Whether a reported cost is too large to be stored.</summary>
    public bool IsCostUnusable { get; set; }

    /// <summary>The token counts at the top level of the payload.</summary>
    public UsageDraft Top => _usages[0];

    /// <summary>The token counts of the usage object inside an object of the given level.</summary>
    public UsageDraft UsageIn(Level level) =>
        _usages[level switch { Level.Payload => 1, Level.HiddenParams => 2, _ => 3 }];

    public void SetCost(Level level, decimal costUsd) => _costsUsd[level] = costUsd;

    /// <summary>Sets LiteLLM's margin or a part of the cost.</summary>
    public void SetPart(Field field, decimal usd)
    {
        if (field == Field.Margin)
            _marginUsd = usd;
        else
            _partsUsd[field] = usd;
    }

    public void SetTime(Field field, DateTimeOffset time) => (field == Field.StartTime ? ref _start : ref _end) = time;

    public void SetText(Level level, Field field, string text)
    {
        switch (field)
        {
            case Field.Id:
                _id = AsId(text);
                break;
            case Field.CallId:
                _callId = AsId(text);
                break;
            case Field.RequestId:
                _requestId = AsId(text);
                break;
            case Field.Status:
                _isFailure |= text.StartsWith("fail", StringComparison.OrdinalIgnoreCase)
                    || text.Equals("error", StringComparison.OrdinalIgnoreCase);
                break;
            case Field.EndUser:
                (level == Level.Metadata ? ref _metadataEndUser : ref _endUser) = Cut(text);
                break;
            case Field.User:
                _user = Cut(text);
                break;
            case Field.KeyHash:
                // If the field holds the key itself, keep only its hash: the secret must not be stored.
                _keyHash = text.StartsWith("sk-", StringComparison.Ordinal) ? HashOf(text) : Cut(text);
                break;
            case Field.KeyAlias:
                _keyAlias = Cut(text);
                break;
            case Field.KeyUserId:
                _keyUserId = Cut(text);
                break;
            case Field.Email:
                _email = Cut(text);
                break;
            case Field.CallType:
                _callType = Cut(text);
                break;
            case Field.ServiceTier:
                _tiers[level] = Cut(text).ToLowerInvariant();
                break;
            case Field.Model:
                SetName(ref _model, text, "model");
                break;
            case Field.ModelGroup:
                _modelGroup = Cut(text);
                break;
            case Field.Provider:
                _provider = Cut(text);
                break;
        }
    }

    /// <summary>Notes a field whose value can't be used.</summary>
    public void SetUnreadable(Field field, string path)
    {
        switch (field)
        {
            case Field.Cost or Field.Spend:
                _costUnreadable ??= path;
                break;
            case Field.Margin:
                _marginUnreadable = path;
                break;
            case Field.InputCost or Field.OutputCost or Field.ToolCost:
                _partUnreadable = path;
                break;
            case Field.Model:
                _unreadable.Add(path);
                break;
        }
    }

    public LiteLlmCall Finish()
    {
        var usage = Array.Find(_usages, u => u is { Prompt: > 0, Completion: > 0 })
            ?? Array.Find(_usages, u => u.IsPositive && !u.IsIncomplete)
            ?? Array.Find(_usages, u => u.IsPositive)
            ?? Array.Find(_usages, u => u.HasAny) ?? Array.Find(_usages, u => u.IsIncomplete) ?? Top;
        var (tokens, disagree) = new TokenReading(
            usage.Prompt, usage.Completion, First(Field.CacheReadTokens), First(Field.CacheWriteTokens),
            First(Field.ReasoningTokens), usage.IsCacheBeside, TotalOf(usage)).Resolve();
        var unreadableTokens = UnreadableTokens(usage);
        var (costUsd, costUnreadable, isCostUnusable) = Cost();
        string[] unreadable =
            [.. costUnreadable is null ? (string[])[] : [costUnreadable], .. unreadableTokens, .. _unreadable];
        var call = new LiteLlmCall
        {
            CallId = _callId,
            ResponseId = _id ?? _requestId,
            Aliases = [],
            DerivedId = "",
            CallType = _callType,
            Model = _model,
            ModelGroup = _modelGroup,
            Provider = _provider,
            ServiceTier = Tier(),
            CostUsd = costUsd,
            PromptTokens = (int?)tokens.Prompt,
            CompletionTokens = (int?)tokens.Completion,
            CacheReadTokens = (int?)tokens.CacheRead,
            CacheWriteTokens = (int?)tokens.CacheWrite,
            ReasoningTokens = (int?)tokens.Reasoning,
            HasGenerated = HasGenerated(usage, tokens),
            DoTokensDisagree = disagree,
            AreTokensUnreadable = unreadableTokens.Count > 0,
            Unreadable = unreadable.Length == 0 ? null : string.Join(',', unreadable),
            IsCostUnusable = isCostUnusable,
            OccurredAt = _start ?? _end,
            IsStartUnknown = _start is null,
            IsSuccess = !_isFailure,
            CacheHit = CacheHit,
            IsSpendLog = _requestId is not null,
            KeyHash = _keyHash,
            KeyAlias = _keyAlias,
            // The `user` of a spend log is the key's user. In the oldest callbacks it is the end user that the caller
            // named.
            KeyUserId = _keyUserId ?? (_requestId is null ? null : _user),
            Email = _email,
            EndUser = _endUser ?? _metadataEndUser ?? (_requestId is null ? _user : null),
            UsageJson = Array.Find(_usages, u => u.Json is not null)?.Json,
        };
        var derivedId = call.IsManaging ? DeriveOfReading(call, isWhole: true) : Derive(call);
        return call with { DerivedId = derivedId, Aliases = AliasesOf(call, derivedId), BatchId = BatchIdOf(call) };
    }

    private IReadOnlyList<string> AliasesOf(LiteLlmCall call, string derivedId)
    {
        // The call id of a reading names the reading, not the object, so it is no alias. Without an object id, the
        // second alias covers all readings of the same model by the same user: a later one may read the same object, so
        // it must not be billed without review.
        if (call.IsManaging)
            return ObjectId is { } objectId ? [objectId] : [derivedId, DeriveOfReading(call, isWhole: false)];
        string[] ids = [.. new[] { _callId, _id, _requestId }.OfType<string>().Distinct()];
        return ids.Length == 0 ? [derivedId] : ids;
    }

    // The id of the object that the report reads at the provider. A callback may have the call id or a hash in its
    // place; these are not object ids. A spend log has only its request id.
    private string? ObjectId => _requestId ?? (_id is { } id && id != _callId && !IsHash(id) ? id : null);

    private static bool IsHash(string id) => id.Length == 64 && id.All(char.IsAsciiHexDigitLower);

    // The served tier takes precedence over the requested one. A tier in the provider's usage object takes precedence
    // over both (see CallMapping).
    private string? Tier()
    {
        foreach (var level in (ReadOnlySpan<Level>)[Level.Response, Level.Payload, Level.ModelParameters])
            if (_tiers.TryGetValue(level, out var tier) && tier is not "auto")
                return tier;
        return null;
    }

    // True if any place reports generated tokens, or if the total exceeds the tokens sent.
    private bool HasGenerated(UsageDraft usage, in TokenCounts tokens) =>
        tokens.Completion > 0 || tokens.Reasoning > 0 || _usages.Any(u => u.Completion > 0)
        || TotalOf(usage) > (tokens.Prompt ?? 0);

    // LiteLLM writes 0 for an unknown cost and may have the real one in another place. For an answer from its cache 0
    // is right. LiteLLM's own margin is not part of the provider's cost. A cost that is present but unusable must not
    // be treated as unknown.
    private (decimal? Usd, string? Unreadable, bool IsUnusable) Cost()
    {
        decimal? costUsd = null;
        foreach (var level in (ReadOnlySpan<Level>)[Level.Payload, Level.HiddenParams, Level.CostBreakdown])
            if (_costsUsd.TryGetValue(level, out var foundUsd) && (costUsd is null || (costUsd == 0 && !CacheHit)))
                costUsd = foundUsd;
        if (costUsd is not > 0)
            return IsCostUnusable ? (null, _costUnreadable, true) : CostOfParts(costUsd);
        if (_marginUnreadable is null && costUsd.Value - _marginUsd is >= 0 and var netUsd
            && netUsd + _marginUsd == costUsd)
            return (Money.Normalize(netUsd), null, false);
        return (null, _marginUnreadable ?? "cost_breakdown.margin_total_amount", true);
    }

    // The parts don't include the margin.
    private (decimal? Usd, string? Unreadable, bool IsUnusable) CostOfParts(decimal? costUsd)
    {
        var partsUsd = _partsUsd.Values.Sum();
        if (partsUsd > 0 && !(costUsd == 0 && CacheHit))
            return _partUnreadable is null ? (Money.Normalize(partsUsd), null, false) : (null, _partUnreadable, true);
        return (costUsd, costUsd is null ? _costUnreadable : null, false);
    }

    private List<string> UnreadableTokens(UsageDraft usage)
    {
        List<string> unreadable = [.. usage.Unreadable()];
        foreach (var tokens in Classes)
            if (First(tokens) is null
                && _usages.Select(u => u.UnreadableAt(tokens)).FirstOrDefault(path => path is not null) is { } path)
                unreadable.Add(path);
        if (_usages.Any(u => u.IsUnreadable) && (!usage.HasAny || usage.IsUnreadable) && unreadable.Count == 0)
            unreadable.Add("usage");
        return unreadable;
    }

    private int? TotalOf(UsageDraft usage) => usage.Total is > 0 ? usage.Total : First(Field.TotalTokens);

    private int? First(Field tokens) => _usages.Select(u => u.Find(tokens))
        .Aggregate((int?)null, (best, next) => best > 0 ? best : next > 0 ? next : best ?? next);

    // The same report always gets the same id. Two calls differ in at least one of these values, since a start is exact
    // to the microsecond.
    private string Derive(LiteLlmCall call) => Derive(
        _callId, _id, _requestId, _keyHash, _keyAlias, call.KeyUserId, call.EndUser, _model ?? _modelGroup,
        Text(_start), Text(_end), Text(call.PromptTokens), Text(call.CompletionTokens), Text(call.CostUsd));

    // Another reading of an object has another time and call id. Its tokens and cost are the same as long as the object
    // is unchanged.
    private string DeriveOfReading(LiteLlmCall call, bool isWhole) => Derive(
        "reading", ObjectId, call.KeyUserId ?? _keyHash ?? _keyAlias ?? call.EndUser, _model ?? _modelGroup,
        isWhole ? Text(call.PromptTokens) : null, isWhole ? Text(call.CompletionTokens) : null,
        isWhole ? Text(call.CostUsd) : null);

    private string? BatchIdOf(LiteLlmCall call) => CallTypes.IsBatch(call.CallType) && call.CostUsd > 0
        ? Derive(
            "batch", call.KeyUserId ?? _keyHash ?? _keyAlias, _model ?? _modelGroup,
            Text(call.PromptTokens), Text(call.CompletionTokens), Text(call.CostUsd))
        : null;

    private static string Derive(params ReadOnlySpan<string?> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
            text.Append(part ?? "\u0000").Append('\u001f');
        return UsageOrigin.DerivedPrefix + HashOf(text.ToString(0, text.Length - 1));
    }

    private static string? Text(decimal? costUsd) => costUsd is { } usd ? Money.Format(usd) : null;

    private static string? Text(DateTimeOffset? time) => time?.UtcTicks.ToString(CultureInfo.InvariantCulture);

    private static string? Text(int? count) => count?.ToString(CultureInfo.InvariantCulture);

    // Python and JavaScript write a missing id as a word. An id must fit into its column, and two different ids must
    // stay different.
    private static string? AsId(string id) => id.ToUpperInvariant() switch
    {
        "NONE" or "NULL" or "UNDEFINED" or "NAN" => null,
        _ => id.Length <= IdCharactersMax && !id.Any(char.IsControl) ? id : $"sha256-{HashOf(id)}",
    };

    // A name that is too long to store is cut for the reviewer. The cut name ends with an ellipsis, so that it matches
    // no price and no user.
    private void SetName(ref string? name, string text, string path)
    {
        name = Cut(text);
        if (text.Length > TextCharactersMax)
            _unreadable.Add(path);
    }

    private static string Cut(string text)
    {
        if (text.Any(char.IsControl))
            text = string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c));
        if (text.Length <= TextCharactersMax)
            return text;
        var length = TextCharactersMax - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[length - 1]) ? length - 1 : length), "…");
    }

    private static string HashOf(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
