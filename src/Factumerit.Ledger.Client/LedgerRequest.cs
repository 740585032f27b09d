namespace Factumerit.Ledger.Client;

/// <summary>A request to the service.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">The path below the service's address, with its query and without a slash at its start.</param>
/// <param name="Body">The body, as JSON; null without one.</param>
/// <param name="IdempotencyKey">The Idempotency-Key header; null without one.</param>
public sealed record LedgerRequest(
    HttpMethod Method, string Path, ReadOnlyMemory<byte>? Body = null, string? IdempotencyKey = null)
{
    /// <summary>The key in the body: the request id of a usage; null without one.</summary>
    public string? RequestId { get; init; }

    /// <summary>
    /// Whether it takes effect once without a key: each part of the body has its own, as the usages of a batch, or it
    /// ends what ends once, as a hold.
    /// </summary>
    public bool NeedsNoKey { get; init; }

    /// <summary>Whether it takes effect only once, however often it is sent.</summary>
    public bool IsRepeatable => Method == HttpMethod.Get || NeedsNoKey || Key is not null;

    /// <summary>What makes it safe to send again: the header, or the key in the body.</summary>
    public string? Key => IdempotencyKey ?? RequestId;

    public static LedgerRequest Get(string path) => new(HttpMethod.Get, path);
}
