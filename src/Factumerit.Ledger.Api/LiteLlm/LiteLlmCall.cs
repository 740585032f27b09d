namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>
/// One LLM call as LiteLLM reports it, in a callback or a spend log, whatever spelling it used. Holds nothing of prompts and answers. Texts are never
/// empty; ids have at most 255 characters and other texts 200. What could not be read is null.
/// </summary>
public sealed record LiteLlmCall
{
    /// <summary>LiteLLM's own id of the call; older versions don't send it.</summary>
    public string? CallId { get; init; }

    /// <summary>The provider's id of the response, or what a spend log has in its place.</summary>
    public string? ResponseId { get; init; }

    /// <summary>All ids that the call is known by, the call id first; at least one, each once (R17). Without any it is the derived one.</summary>
    public required IReadOnlyList<string> Aliases { get; init; }

    /// <summary>An id made of what the report says: the same report has the same.</summary>
    public required string DerivedId { get; init; }

    /// <summary>An id made of a batch's user, model, tokens and cost; null for all else, and where it has no cost.</summary>
    public string? BatchId { get; init; }

    /// <summary>Which of LiteLLM's routes it was: acompletion, aembedding, aretrieve_batch and the like.</summary>
    public string? CallType { get; init; }

    public string? Model { get; init; }
    public string? ModelGroup { get; init; }
    public string? Provider { get; init; }

    /// <summary>The provider's service tier, in lower case: as it was served, else as it was asked for.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>What the provider charges, in US dollars, without LiteLLM's own margin; null when unknown. LiteLLM writes 0 for a cost that it does not know.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>Everything sent, cached or not.</summary>
    public int? PromptTokens { get; init; }

    /// <summary>Everything generated, reasoning included.</summary>
    public int? CompletionTokens { get; init; }

    public int? CacheReadTokens { get; init; }
    public int? CacheWriteTokens { get; init; }
    public int? ReasoningTokens { get; init; }

    /// <summary>Something says that tokens were generated, though perhaps not how many.</summary>
    public bool HasGenerated { get; init; }

    /// <summary>No reading of the counts adds up to their total.</summary>
    public bool DoTokensDisagree { get; init; }

    /// <summary>A count of tokens could not be read.</summary>
    public bool AreTokensUnreadable { get; init; }

    /// <summary>The fields that a price depends on and that could not be read, separated by commas; null when there are none.</summary>
    public string? Unreadable { get; init; }

    /// <summary>The call cost something, and how much can't be told from what was reported.</summary>
    public bool IsCostUnusable { get; init; }

    /// <summary>When the call began, in UTC, to the microsecond; the end stands in for a missing beginning.</summary>
    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>Whether the call does not say when it began.</summary>
    public bool IsStartUnknown { get; init; }

    /// <summary>False when LiteLLM says that the call failed.</summary>
    public required bool IsSuccess { get; init; }

    /// <summary>Whether LiteLLM answered from its own cache.</summary>
    public bool CacheHit { get; init; }

    /// <summary>Whether it is a row of LiteLLM's spend logs, and not a callback.</summary>
    public bool IsSpendLog { get; init; }

    /// <summary>The hash of the virtual key that the call was made with.</summary>
    public string? KeyHash { get; init; }

    public string? KeyAlias { get; init; }

    /// <summary>The user that the virtual key belongs to.</summary>
    public string? KeyUserId { get; init; }

    /// <summary>The e-mail address of that user.</summary>
    public string? Email { get; init; }

    /// <summary>Whom the caller named as its user: anybody may write anything here.</summary>
    public string? EndUser { get; init; }

    /// <summary>The usage object as JSON, at most 16 KiB and fit for jsonb; else null.</summary>
    public string? UsageJson { get; init; }

    /// <summary>Whether it reads or keeps an object at the provider: its ids and time are those of the object, not of a call.</summary>
    public bool IsManaging => CallTypes.IsManaging(CallType);

    /// <summary>Whether it has tokens.</summary>
    public bool HasTokens => PromptTokens > 0 || CompletionTokens > 0 || CacheReadTokens > 0 || CacheWriteTokens > 0 || ReasoningTokens > 0;
}

/// <summary>Why an item is no call: a stable code, and a sentence that quotes nothing of the item.</summary>
public sealed record IntakeProblem(string Code, string Detail);

/// <summary>One item of a body, counted from 0: a call, or a problem, or neither where the body says null.</summary>
public sealed record IntakeItem(int Index, LiteLlmCall? Call, IntakeProblem? Problem)
{
    /// <summary>How long it was, without what is passed over.</summary>
    public int Bytes { get; init; }

    /// <summary>LiteLLM fills gaps in its batches with null.</summary>
    public bool IsNull => Call is null && Problem is null;
}
