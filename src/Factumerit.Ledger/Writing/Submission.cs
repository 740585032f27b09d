using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Writing;

/// <summary>Commands of one caller that wait for the writer, and the caller's promise.</summary>
internal sealed class Submission(IReadOnlyList<Command> commands, long queuedAt, CancellationToken cancellationToken)
{
    // Continuations must not run on the writer's loop: a slow caller would hold up everybody else's commit.
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<Command> Commands { get; } = commands;

    /// <summary>Whose commands they are.</summary>
    public Actor By => Commands[0].By;

    /// <summary>Its place in the queue.</summary>
    public (long Start, long Added) Position { get; set; }

    /// <summary>When it was queued, as a timestamp of the clock.</summary>
    public long QueuedAt { get; } = queuedAt;

    /// <summary>The caller went away before the work began; nothing is written for it.</summary>
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
