namespace Factumerit.Ledger.Api.Http;

/// <summary>The header that names a request, and the one that marks the answer to a repeated request (R9).</summary>
internal static class IdempotencyHeaders
{
    public const string Key = "Idempotency-Key";
    public const string Replayed = "Idempotency-Replayed";

    /// <summary>The Idempotency-Key header; null unless it was sent exactly once.</summary>
    public static string? KeyOf(HttpContext http) => http.Request.Headers[Key] is [{ } key] ? key : null;

    /// <summary>Marks the response as the first answer, repeated.</summary>
    public static void MarkReplayed(HttpContext http) => http.Response.Headers[Replayed] = "true";
}
