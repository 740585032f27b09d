namespace Factumerit.Ledger.Storage;

/// <summary>
/// A row of <c>outbox</c>: something that has to be sent to another system. Rows with the same key are delivered in
/// order. A row is deleted after its delivery.
/// </summary>
public sealed record OutboxRow
{
    public long Id { get; init; }

    /// <summary>What is sent, and so which worker delivers it.</summary>
    public string Kind { get; init; } = "";

    /// <summary>The object that it concerns.</summary>
    public string OrderingKey { get; init; } = "";

    /// <summary>The message, as a JSON object.</summary>
    public string Payload { get; init; } = "{}";
    public DateTimeOffset CreatedAt { get; init; }
    public int Attempts { get; init; }
    public DateTimeOffset NextAttemptAt { get; init; }
    public string? LastError { get; init; }
}
