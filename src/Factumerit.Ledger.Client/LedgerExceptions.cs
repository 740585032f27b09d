using System.Net;

namespace Factumerit.Ledger.Client;

/// <summary>A request that did not succeed.</summary>
public abstract class LedgerException(string message, Exception? inner) : Exception(message, inner);

/// <summary>
/// The service refused the request, or failed. A refusal (4xx) leaves no trace: the same request may succeed later.
/// </summary>
public sealed class LedgerProblemException(HttpStatusCode status, Problem problem, TimeSpan? retryAfter)
    : LedgerException($"{problem.Code}: {problem.Detail ?? problem.Title}", null)
{
    public HttpStatusCode Status => status;

    /// <summary>The problem as the service returned it. Its code never changes.</summary>
    public Problem Problem => problem;

    /// <summary>How long the service asks to wait before the next attempt; null if it doesn't say.</summary>
    public TimeSpan? RetryAfter => retryAfter;
}

/// <summary>
/// No answer came, so the request may have been carried out. Sending it again is safe under the same idempotency key,
/// and for requests that only read.
/// </summary>
public sealed class LedgerOutcomeUnknownException(string message, string? idempotencyKey, Exception? inner)
    : LedgerException(message, inner)
{
    /// <summary>
    /// The key that makes sending the request again safe; for a usage its request id. Null if it has none.
    /// </summary>
    public string? IdempotencyKey => idempotencyKey;
}

/// <summary>There was no connection to the service, so nothing was sent.</summary>
public sealed class LedgerUnreachableException(string message, Exception inner) : LedgerException(message, inner);

/// <summary>The answer is not one of the ledger's. The address may be wrong.</summary>
public sealed class LedgerAnswerException(string message, LedgerAnswer answer, Exception? inner)
    : LedgerException(message, inner)
{
    public LedgerAnswer Answer => answer;
}
