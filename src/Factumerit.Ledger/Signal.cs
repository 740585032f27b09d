namespace Factumerit.Ledger;

/// <summary>
/// Wakes tasks that wait for an event. To miss no event, take <see cref="Next"/> before checking for work, and await it
/// afterwards.
/// </summary>
public sealed class Signal
{
    private TaskCompletionSource _next = New();

    /// <summary>Completes when the signal is raised the next time.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    public void Raise() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    // Waiting tasks must not run on the thread that raises the signal.
    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
