namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>The tokens of one of the places where a payload may hold them.</summary>
internal sealed class UsageDraft
{
    private readonly Dictionary<Field, int> _counts = [];
    private readonly Dictionary<Field, string> _unreadable = [];
    private bool _hasDetails;

    /// <summary>The usage object as JSON; null without one.</summary>
    public string? Json { get; set; }

    /// <summary>The usage object is there, and could not be read or kept.</summary>
    public bool IsUnreadable { get; set; }

    // Within one object a 0 gives way to a positive count in the other spelling.
    public int? Prompt => Positive(Field.PromptTokens, Field.InputTokens);
    public int? Completion => Positive(Field.CompletionTokens, Field.OutputTokens);
    public int? Total => Find(Field.TotalTokens);

    /// <summary>Whether the cache is counted beside the prompt by default: a provider that counts input_tokens without details of them leaves it out.</summary>
    public bool IsCacheBeside => !_hasDetails && Find(Field.PromptTokens) is null or 0 && Find(Field.InputTokens) is not null;

    public bool HasAny => Prompt is not null || Completion is not null;
    public bool IsPositive => Prompt > 0 || Completion > 0;

    /// <summary>Whether a count that could not be read is missing.</summary>
    public bool IsIncomplete => Unreadable().Any();

    public int? Find(Field field) => _counts.TryGetValue(field, out var count) ? count : null;

    /// <summary>Where the count could not be read; null when it could.</summary>
    public string? UnreadableAt(Field field) => _unreadable.GetValueOrDefault(field);

    public void Set(Level level, Field field, int tokens)
    {
        _hasDetails |= level == Level.PromptDetails;
        // The same figure stands beside the details and in them, and one of the two may have been left at 0.
        if (field is not (Field.CacheReadTokens or Field.CacheWriteTokens) || Find(field) is not { } other || tokens > other)
            _counts[field] = tokens;
    }

    public void SetUnreadable(Field field, string path) => _unreadable.TryAdd(field, path);

    /// <summary>Where the prompt's or completion's count could not be read, and no other spelling has it.</summary>
    public IEnumerable<string> Unreadable()
    {
        if (Prompt is null && (UnreadableAt(Field.PromptTokens) ?? UnreadableAt(Field.InputTokens)) is { } prompt)
            yield return prompt;
        if (Completion is null && (UnreadableAt(Field.CompletionTokens) ?? UnreadableAt(Field.OutputTokens)) is { } completion)
            yield return completion;
    }

    private int? Positive(Field one, Field other) => Find(one) is { } count and not 0 ? count : Find(other) is > 0 and var positive ? positive : Find(one) ?? Find(other);
}
