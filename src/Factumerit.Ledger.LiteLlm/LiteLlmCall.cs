namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// One LLM call as LiteLLM reports it, in a callback or a spend log, independent of the spelling. Contains nothing of
/// prompts and answers. Texts are never empty; ids have at most 255 characters and other texts 200. A value that could
/// not be read is null.
/// </summary>
public sealed record LiteLlmCall
{
    /// <summary>LiteLLM's own id of the call; older versions don't send it.</summary>
    public string? CallId { get; init; }

    /// <summary>The provider's id of the response, or the id that a spend log has in its place.</summary>
    public string? ResponseId { get; init; }

    /// <summary>
    /// All ids of the call, the call id first; at least one, without duplicates (R17). A call without an id has its
    /// derived id here.
    /// </summary>
    public required IReadOnlyList<string> Aliases { get; init; }

    /// <summary>An id derived from the values of the report: the same report always has the same id.</summary>
    public required string DerivedId { get; init; }

    /// <summary>
    /// An id derived from a batch's user, model, tokens and cost; null for other calls and for a batch without a cost.
    /// </summary>
    public string? BatchId { get; init; }

    /// <summary>LiteLLM's route of the call, such as acompletion, aembedding or aretrieve_batch.</summary>
    public string? CallType { get; init; }

    public string? Model { get; init; }
    public string? ModelGroup { get; init; }
    public string? Provider { get; init; }

    /// <summary>The provider's service tier, in lower case: the served one, else the requested one.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>
    /// What the provider charges, in US dollars, without LiteLLM's own margin; null if unknown. LiteLLM writes 0 for an
    /// unknown cost.
    /// </summary>
    public decimal? CostUsd { get; init; }

    /// <summary>All tokens sent, cached or not.</summary>
    public int? PromptTokens { get; init; }

    /// <summary>All tokens generated, reasoning included.</summary>
    public int? CompletionTokens { get; init; }

    public int? CacheReadTokens { get; init; }
    public int? CacheWriteTokens { get; init; }
    public int? ReasoningTokens { get; init; }

    /// <summary>Whether the report shows that tokens were generated, even if it doesn't say how many.</summary>
    public bool HasGenerated { get; init; }

    /// <summary>Whether no reading of the counts adds up to their total.</summary>
    public bool DoTokensDisagree { get; init; }

    /// <summary>Whether a token count could not be read.</summary>
    public bool AreTokensUnreadable { get; init; }

    /// <summary>The unreadable fields that a price depends on, separated by commas; null if there are none.</summary>
    public string? Unreadable { get; init; }

    /// <summary>Whether the call has a cost whose amount can't be determined from the report.</summary>
    public bool IsCostUnusable { get; init; }

    /// <summary>
    /// The start of the call in UTC, to the microsecond. If the start is missing, the end of the call.
    /// </summary>
    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>Whether the report has no start time.</summary>
    public bool IsStartUnknown { get; init; }

    /// <summary>False if LiteLLM reports that the call failed.</summary>
    public required bool IsSuccess { get; init; }

    /// <summary>Whether LiteLLM answered from its own cache.</summary>
    public bool CacheHit { get; init; }

    /// <summary>Whether the report is a row of LiteLLM's spend logs and not a callback.</summary>
    public bool IsSpendLog { get; init; }

    /// <summary>The hash of the virtual key that the call was made with.</summary>
    public string? KeyHash { get; init; }

    public string? KeyAlias { get; init; }

    /// <summary>The user that the virtual key belongs to.</summary>
    public string? KeyUserId { get; init; }

    /// <summary>The e-mail address of that user.</summary>
    public string? Email { get; init; }

    /// <summary>The user that the caller named. Set by the caller and not trusted.</summary>
    public string? EndUser { get; init; }

    /// <summary>The usage object as JSON, at most 16 KiB and valid for jsonb; null otherwise.</summary>
    public string? UsageJson { get; init; }

    /// <summary>
    /// Whether the call reads or manages an object at the provider. Its ids and time are those of the object, not of a
    /// call.
    /// </summary>
    public bool IsManaging => CallTypes.IsManaging(CallType);

    /// <summary>Whether any token count is above 0.</summary>
    public bool HasTokens =>
        PromptTokens > 0 || CompletionTokens > 0
        || CacheReadTokens > 0 || CacheWriteTokens > 0 || ReasoningTokens > 0;
}

/// <summary>Why an item is not a call: a stable code, and a sentence that never quotes the item.</summary>
public sealed record IntakeProblem(string Code, string Detail);

/// <summary>One item of a body, counted from 0: a call, a problem, or neither if the body has null there.</summary>
public sealed record IntakeItem(int Index, LiteLlmCall? Call, IntakeProblem? Problem)
{
    /// <summary>The size of the item in bytes, without the skipped values.</summary>
    public int Bytes { get; init; }

    /// <summary>LiteLLM fills gaps in its batches with null.</summary>
    public bool IsNull => Call is null && Problem is null;
}
