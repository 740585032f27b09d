namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>How a request to LiteLLM went wrong.</summary>
public enum LiteLlmFailure
{
    /// <summary>LiteLLM understood and said no: it is not done, and won't be by asking again.</summary>
    Refused,

    /// <summary>LiteLLM is away, busy, or stumbled: asking again later may help.</summary>
    Failed,

    /// <summary>The request may have arrived, and its answer did not.</summary>
    OutcomeUnknown,
}

/// <summary>A request to LiteLLM that did not end well. The message is fit for people and logs: it holds no key.</summary>
public sealed class LiteLlmException(LiteLlmFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public LiteLlmFailure Failure => failure;

    /// <summary>The HTTP status, where there was an answer.</summary>
    public int? Status { get; init; }

    /// <summary>Whether LiteLLM itself says that it knows no such key. Another 404 comes from whatever else is at that address.</summary>
    public bool IsKeyUnknown { get; init; }

    /// <summary>How long LiteLLM asks to wait before the next try.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>False when it is certain that LiteLLM did not do what was asked. An error of its own (5xx) may come after the deed.</summary>
    public bool MayBeDone => failure == LiteLlmFailure.OutcomeUnknown || Status is >= 500 or 408;
}
