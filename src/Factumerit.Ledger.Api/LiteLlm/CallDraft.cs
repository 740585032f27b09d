using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>What has been read of a call so far, and what counts where the same is told in several places.</summary>
internal sealed class CallDraft
{
    private const int IdCharactersMax = 255;
    private const int TextCharactersMax = 200;

    private readonly UsageDraft[] _usages = [new(), new(), new(), new()];
    private string? _id, _callId, _requestId, _model, _modelGroup, _provider, _keyHash, _keyAlias, _keyUserId, _endUser, _metadataEndUser, _user;
    private decimal? _costUsd, _hiddenCostUsd, _totalCostUsd;
    private DateTimeOffset? _start, _end;
    private bool _isFailure;

    public bool CacheHit { get; set; }

    /// <summary>The tokens that stand in the payload itself.</summary>
    public UsageDraft Top => _usages[0];

    /// <summary>The tokens of the usage object that stands in such an object.</summary>
    public UsageDraft UsageIn(Level level) => _usages[level switch { Level.Payload => 1, Level.HiddenParams => 2, _ => 3 }];

    public void SetCost(Level level, decimal costUsd)
    {
        switch (level)
        {
            case Level.HiddenParams:
                _hiddenCostUsd = costUsd;
                break;
            case Level.CostBreakdown:
                _totalCostUsd = costUsd;
                break;
            default:
                _costUsd = costUsd;
                break;
        }
    }

    public void SetTime(Field field, DateTimeOffset time) => (field == Field.StartTime ? ref _start : ref _end) = time;

    /// <summary>Keeps a text; otherwise says what is wrong with it.</summary>
    public string? SetText(Level level, Field field, string text)
    {
        switch (field)
        {
            case Field.Id:
                _id = ShortId(text);
                break;
            case Field.CallId:
                _callId = ShortId(text);
                break;
            case Field.RequestId:
                _requestId = ShortId(text);
                break;
            case Field.Status:
                _isFailure |= text.StartsWith("fail", StringComparison.OrdinalIgnoreCase) || text.Equals("error", StringComparison.OrdinalIgnoreCase);
                break;
            // Whom the caller names is the caller's to write: what can't be a user is left out.
            case Field.EndUser or Field.User when text.Length > TextCharactersMax:
                break;
            case Field.EndUser:
                (level == Level.Metadata ? ref _metadataEndUser : ref _endUser) = text;
                break;
            case Field.User:
                _user = text;
                break;
            case Field.KeyHash:
                // Where a key stands in the place of its hash, it goes no further.
                _keyHash = text.StartsWith("sk-", StringComparison.Ordinal) ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))) : text;
                return LengthError(_keyHash);
            case Field.KeyAlias:
                _keyAlias = text;
                return LengthError(text);
            case Field.KeyUserId:
                _keyUserId = text;
                return LengthError(text);
            case Field.Model:
                _model = text;
                return LengthError(text);
            case Field.ModelGroup:
                _modelGroup = text;
                return LengthError(text);
            case Field.Provider:
                _provider = text;
                return LengthError(text);
        }
        return null;
    }

    /// <summary>The call, or why there is none.</summary>
    public LiteLlmCall? Finish(out string? error)
    {
        string[] aliases = [.. new[] { _callId, _id, _requestId }.OfType<string>().Distinct()];
        error = aliases.Length == 0 ? "id (or litellm_call_id) must be given: it names the call." : null;
        if (error is not null)
            return null;
        // Counts that are 0 give way to others that are not: some versions leave the outer ones at 0.
        var usage = Array.Find(_usages, u => u.IsPositive) ?? Array.Find(_usages, u => u.HasAny) ?? Top;
        return new LiteLlmCall
        {
            CallId = _callId,
            ResponseId = _id ?? _requestId,
            Aliases = aliases,
            Model = _model,
            ModelGroup = _modelGroup,
            Provider = _provider,
            CostUsd = _costUsd ?? _hiddenCostUsd ?? _totalCostUsd,
            PromptTokens = usage.Prompt is { } prompt ? (int)Math.Min(prompt, int.MaxValue) : null,
            CompletionTokens = usage.Completion,
            CacheReadTokens = First(u => u.CacheRead),
            CacheWriteTokens = First(u => u.CacheWrite),
            ReasoningTokens = First(u => u.Reasoning),
            OccurredAt = _start ?? _end,
            IsSuccess = !_isFailure,
            CacheHit = CacheHit,
            KeyHash = _keyHash,
            KeyAlias = _keyAlias,
            // A spend log's user is the key's; that of the oldest payloads is whom the caller named.
            KeyUserId = _keyUserId ?? (_requestId is null ? null : _user),
            EndUser = _endUser ?? _metadataEndUser ?? (_requestId is null ? _user : null),
            UsageJson = Array.Find(_usages, u => u.Json is not null)?.Json,
        };
    }

    private int? First(Func<UsageDraft, int?> tokens) => _usages.Select(tokens).FirstOrDefault(t => t is not null);

    // Every id must fit where ids are kept, and two that differ must go on differing.
    private static string ShortId(string id) =>
        id.Length <= IdCharactersMax ? id : $"sha256-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))}";

    private static string? LengthError(string text) => text.Length > TextCharactersMax ? $"must be at most {TextCharactersMax} characters" : null;
}
