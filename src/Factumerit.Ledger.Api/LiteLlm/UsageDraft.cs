namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>The tokens of one of the places where a payload may hold them.</summary>
internal sealed class UsageDraft
{
    private int? _prompt, _completion, _input, _output, _cacheRead, _cacheWrite, _reasoning;
    private bool _hasDetails;

    public string? Json { get; set; }

    public int? CacheRead => _cacheRead;
    public int? CacheWrite => _cacheWrite;
    public int? Reasoning => _reasoning;

    // A provider that counts input_tokens without details of them leaves the cached ones out.
    public long? Prompt => _prompt ?? (_hasDetails ? _input : _input + (_cacheRead ?? 0L) + (_cacheWrite ?? 0L));
    public int? Completion => _completion ?? _output;

    public bool HasAny => Prompt is not null || Completion is not null;
    public bool IsPositive => Prompt > 0 || Completion > 0;

    public void Set(Level level, Field field, int? tokens)
    {
        _hasDetails |= level == Level.PromptDetails;
        switch (field)
        {
            case Field.PromptTokens:
                _prompt = tokens;
                break;
            case Field.CompletionTokens:
                _completion = tokens;
                break;
            case Field.InputTokens:
                _input = tokens;
                break;
            case Field.OutputTokens:
                _output = tokens;
                break;
            // The same figure stands beside the details and in them, and one of the two may have been left at 0.
            case Field.CacheReadTokens:
                _cacheRead = Larger(_cacheRead, tokens);
                break;
            case Field.CacheWriteTokens:
                _cacheWrite = Larger(_cacheWrite, tokens);
                break;
            case Field.ReasoningTokens:
                _reasoning = tokens;
                break;
        }
    }

    private static int? Larger(int? one, int? other) => one is null || other > one ? other : one;
}
