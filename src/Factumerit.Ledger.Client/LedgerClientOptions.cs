namespace Factumerit.Ledger.Client;

/// <summary>How the client retries.</summary>
public sealed record LedgerClientOptions
{
    /// <summary>How often a request is sent at most, if it is safe to send again; 1: no retries.</summary>
    public int AttemptsMax { get; init; } = 5;

    /// <summary>The delay before the second attempt. It doubles with each attempt.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest delay. A service that asks to wait longer is not asked again.</summary>
    public TimeSpan DelayMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock for the delays.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
