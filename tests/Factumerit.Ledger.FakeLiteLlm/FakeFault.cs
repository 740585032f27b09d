using System.Text.Json.Serialization;

namespace Factumerit.Ledger.FakeLiteLlm;

/// <summary>What goes wrong with a request.</summary>
public enum FakeTrouble
{
    /// <summary>The answer comes late, by the fault's delay.</summary>
    Slow,

    /// <summary>500, and nothing was done.</summary>
    Error,

    /// <summary>429 with Retry-After, and nothing was done.</summary>
    Busy,

    /// <summary>The connection ends before anything was done.</summary>
    Cut,

    /// <summary>It is done, and the connection ends in place of the answer.</summary>
    LoseAnswer,

    /// <summary>It is done, and the connection ends in the middle of the answer.</summary>
    CutAnswer,

    /// <summary>A callback is sent twice.</summary>
    SendTwice,

    /// <summary>The batches of a callback are sent last first.</summary>
    SendBackwards,
}

/// <summary>A fault for the next requests to a path; the path <c>callback</c> is what the fake itself sends.</summary>
public sealed record FakeFault(
    string Path, FakeTrouble Trouble, int Count = 1, int DelayMs = 0, int RetryAfterSeconds = 0)
{
    /// <summary>Until when a slow answer waits, where a test says so instead of a delay.</summary>
    [JsonIgnore]
    public Task? Until { get; init; }
}
