namespace Factumerit.Ledger.LiteLlm;

/// <summary>How a request to LiteLLM failed.</summary>
public enum LiteLlmFailure
{
    /// <summary>LiteLLM refused the request: it was not carried out, and a retry won't help.</summary>
    Refused,

    /// <summary>LiteLLM is unreachable, busy or had an internal error: a later retry may help.</summary>
    Failed,

    /// <summary>The request may have arrived, but its answer did not.</summary>
    OutcomeUnknown,
}

/// <summary>A failed request to LiteLLM. The message is safe to show and to log: it contains no key.</summary>
public sealed class LiteLlmException(LiteLlmFailure failure, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public LiteLlmFailure Failure => failure;

    /// <summary>The HTTP status, if there was an answer.</summary>
    public int? Status { get; init; }

    /// <summary>
    /// Whether LiteLLM itself reports that the key is unknown. Any other 404 comes from another server at that address.
    /// </summary>
    public bool IsKeyUnknown { get; init; }

    /// <summary>How long LiteLLM asks to wait before the next attempt.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// False if LiteLLM certainly did not carry out the request. An error of its own (5xx) may follow a request that
    /// was carried out.
    /// </summary>
    public bool MayBeDone => failure == LiteLlmFailure.OutcomeUnknown || Status is >= 500 or 408;
}
