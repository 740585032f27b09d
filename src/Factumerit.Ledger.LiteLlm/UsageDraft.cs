namespace Factumerit.Ledger.LiteLlm;

/// <summary>The token counts of one of the places in a payload that may hold them.</summary>
internal sealed class UsageDraft
{
    private readonly Dictionary<Field, int> _counts = [];
    private readonly Dictionary<Field, string> _unreadable = [];
    private bool _hasDetails;

    /// <summary>The usage object as JSON; null if there is none.</summary>
    public string? Json { get; set; }

    /// <summary>Whether there is a usage object that could not be read or stored.</summary>
    public bool IsUnreadable { get; set; }

    // Within one object, a positive count in the other spelling takes precedence over a 0.
    public int? Prompt => Positive(Field.PromptTokens, Field.InputTokens);
    public int? Completion => Positive(Field.CompletionTokens, Field.OutputTokens);
    public int? Total => Find(Field.TotalTokens);

    /// <summary>
    /// Whether the cache is counted beside the prompt by default. A provider that reports input_tokens without details
    /// doesn't count the cache in them.
    /// </summary>
    public bool IsCacheBeside =>
        !_hasDetails && Find(Field.PromptTokens) is null or 0 && Find(Field.InputTokens) is not null;

    public bool HasAny => Prompt is not null || Completion is not null;
    public bool IsPositive => Prompt > 0 || Completion > 0;

    /// <summary>Whether a count is missing because it could not be read.</summary>
    public bool IsIncomplete => Unreadable().Any();

    public int? Find(Field field) => _counts.TryGetValue(field, out var count) ? count : null;

    /// <summary>The path of the count if it could not be read; otherwise null.</summary>
    public string? UnreadableAt(Field field) => _unreadable.GetValueOrDefault(field);

    public void Set(Level level, Field field, int tokens)
    {
        _hasDetails |= level == Level.PromptDetails;
        // The same count stands beside the details and in them, and one of the two may be 0: keep the larger one.
        if (field is not (Field.CacheReadTokens or Field.CacheWriteTokens)
            || Find(field) is not { } other || tokens > other)
            _counts[field] = tokens;
    }

    public void SetUnreadable(Field field, string path) => _unreadable.TryAdd(field, path);

    /// <summary>
    /// The paths of the prompt and completion counts that could not be read and that no other spelling gives.
    /// </summary>
    public IEnumerable<string> Unreadable()
    {
        if (Prompt is null && (UnreadableAt(Field.PromptTokens) ?? UnreadableAt(Field.InputTokens)) is { } prompt)
            yield return prompt;
        if (Completion is null
            && (UnreadableAt(Field.CompletionTokens) ?? UnreadableAt(Field.OutputTokens)) is { } completion)
            yield return completion;
    }

    private int? Positive(Field one, Field other) =>
        Find(one) is { } count and not 0 ? count
        : Find(other) is > 0 and var positive ? positive
        : Find(one) ?? Find(other);
}
