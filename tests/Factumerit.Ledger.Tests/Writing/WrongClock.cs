namespace Factumerit.Ledger.Tests.Writing;

/// <summary>The system's clock, behind or ahead. Its timers are real.</summary>
internal sealed class WrongClock : TimeProvider
{
    /// <summary>How far it is behind; negative if it is ahead.</summary>
    public TimeSpan Behind { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - Behind;
}
