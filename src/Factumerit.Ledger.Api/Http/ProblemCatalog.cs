namespace Factumerit.Ledger.Api.Http;

/// <summary>Every problem that the service returns; docs/errors.md explains them in detail.</summary>
public static class ProblemCatalog
{
    public static readonly IReadOnlyList<ProblemKind> All =
    [
        new(
            "validation-failed", 400, "A field is missing, wrong or unknown",
            "Fix the fields named in errors, and send again."),
        new(
            "malformed-request", 400, "The body is not valid JSON",
            "Send one complete JSON value, as application/json."),
        new(
            "unauthorized", 401, "A valid API key is required",
            "Send Authorization: Bearer KEY with a key that is not revoked."),
        new(
            "insufficient-credit", 402, "The user has not enough credit left",
            "Refuse the call, or have credit granted; the same request may succeed later."),
        new(
            "forbidden", 403, "The key does not allow this",
            "Use a key of another role, or one that is not bound to other users."),
        new("user-not-found", 404, "User not found", "Sign the user up first, or check the id."),
        new("not-found", 404, "Not found", "Check the path and the id."),
        new("method-not-allowed", 405, "Method not allowed", "Use one of the methods in the Allow header."),
        new("request-timeout", 408, "The body arrived too slowly", "Send the whole body within 20 seconds."),
        new(
            "insufficient-anthropic-credits", 409, "Provider credit does not cover the signup credit",
            "Book a purchase, or sign up with less credit."),
        new(
            "insufficient-provider-credit", 409, "The write-down exceeds the provider's balance",
            "Check provider and amount, book the missing purchase first, or set force (force: true, --force)."),
        new(
            "hold-closed", 409, "The hold has ended already",
            "Read its state; place a new hold if one is needed."),
        new(
            "already-reviewed", 409, "The usage has been reviewed already",
            "Read the usage: a review is final."),
        new(
            "not-priceable", 409, "The usage or the hold can't be priced",
            "Send amount_cents (for a usage also provider_cost_usd), import prices first, or waive the usage."),
        new(
            "not-cancellable", 409, "The price version can't be cancelled",
            "Cancel the newest version first, and minutes before it begins; to replace prices in force, import "
            + "others."),
        new("api-key-ended", 409, "The API key was revoked or has expired", "Create a new key."),
        new(
            "litellm-not-configured", 409, "LiteLLM is not configured",
            "Set LiteLlm:BaseUrl and LiteLlm:MasterKey, and restart the service."),
        new("user-deleted", 410, "The user was deleted", "Stop sending for this user; the budget stays closed."),
        new(
            "payload-too-large", 413, "The body is too large",
            "Send at most 1 MiB, batches at most 4 MiB, a price map at most 8 MiB, an intake at most 32 MiB."),
        new("uri-too-long", 414, "The URI is too long", "Send a shorter path and query."),
        new(
            "unsupported-media-type", 415, "The media type or encoding is not supported",
            "Send Content-Type: application/json, and only a Content-Encoding that the detail names."),
        new(
            "idempotency-key-reused", 422, "The idempotency key belongs to another request",
            "Repeat the first request unchanged, or use a new key for a new one."),
        new("rate-limited", 429, "Too many requests", "Wait for the seconds in Retry-After, then send again."),
        new(
            "internal-error", 500, "Internal error",
            "A retry won't help: look up trace_id in the log, and report it. "
            + "Nothing is done twice under the same key."),
        new(
            "litellm-failed", 502, "LiteLLM refused the request or can't be reached",
            "Fix the cause named in detail, then send again. Completed work stays, incomplete work is cleaned up."),
        new(
            "unavailable", 503, "The database is unavailable or too busy",
            "Wait for the seconds in Retry-After, then send the same request with the same key."),
    ];

    private static readonly Dictionary<string, ProblemKind> ByCode =
        All.ToDictionary(k => k.Code, StringComparer.Ordinal);

    public static ProblemKind Find(string code) => ByCode[code];

    public static ProblemKind? TryFind(string code) => ByCode.GetValueOrDefault(code);
}
