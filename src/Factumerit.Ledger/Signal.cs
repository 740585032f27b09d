namespace Factumerit.Ledger;

/// <summary>
/// Wakes whoever waits for something to happen. Take <see cref="Next"/> before looking whether there is work, and wait for it only after that:
/// nothing that happens in between is missed.
/// </summary>
public sealed class Signal
{
    private TaskCompletionSource _next = New();

    /// <summary>Completes when the signal is raised the next time.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    public void Raise() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    // Who waits must not run on the thread of who raises.
    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
