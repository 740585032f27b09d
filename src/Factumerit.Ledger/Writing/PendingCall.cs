using System.Diagnostics;
using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Writing;

/// <summary>The commands of one caller that wait for the writer, and the task that the caller awaits.</summary>
internal sealed class PendingCall(IReadOnlyList<Command> commands, long queuedAt, CancellationToken cancellationToken)
{
    // Continuations must not run on the writer's loop: a slow caller would delay every other caller's commit.
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<Command> Commands { get; } = commands;

    /// <summary>The actor who made the request.</summary>
    public Actor By => Commands[0].By;

    /// <summary>The call's place in the queue.</summary>
    public (long Start, long Added) Position { get; set; }

    /// <summary>When the call was queued, as a timestamp of the clock.</summary>
    public long QueuedAt { get; } = queuedAt;

    /// <summary>The span of the caller's request; default if it has none.</summary>
    public ActivityContext Trace { get; } = Activity.Current?.Context ?? default;

    /// <summary>Whether the caller has cancelled. Nothing is written if it cancelled before the work began.</summary>
    public bool IsAbandoned => cancellationToken.IsCancellationRequested;

    public Task Done => _done.Task;

    public void Complete() => _done.TrySetResult();

    public void Refuse(Refusal refusal)
    {
        foreach (var command in Commands)
            command.Refuse(refusal);
        Complete();
    }

    public void Cancel() => _done.TrySetCanceled(cancellationToken);

    public void Fail(Exception exception) => _done.TrySetException(exception);
}
