namespace Factumerit.Ledger.Commands;

/// <summary>
/// One operation of the ledger. It names the data it needs, which the writer loads and locks. On this locked state it
/// decides purely in memory: what to post, or why it is refused. Commands know no EF, SQL or HTTP. A command is applied
/// again when its commit is retried, so it keeps nothing between attempts except its outcome.
/// </summary>
public abstract class Command
{
    /// <summary>The actor who made the request; stored with every row that the command writes.</summary>
    public Actor By { get; internal set; } = Actor.Service;

    /// <summary>What names the request in a log line: the caller's id of a call, if it has one.</summary>
    public virtual string? RequestId => null;

    /// <summary>Declares the data that the command needs before it can decide.</summary>
    internal virtual void Declare(Needs needs)
    {
    }

    /// <summary>
    /// True if a cached budget is enough to decide the command. Saving then fails if the cached budget is stale or the
    /// idempotency key is already known (R9). This holds only for a decision that changes the budget and records a
    /// usage; any other decision is made again on loaded data.
    /// </summary>
    public virtual bool IsProvenBySaving => false;

    /// <summary>Reports every invalid field. A command with an error is not queued.</summary>
    public abstract void Validate(FieldErrors errors);

    /// <summary>Decides on the locked state.</summary>
    internal abstract void Apply(WorkingSet state);

    /// <summary>Ends the command without a decision.</summary>
    internal abstract void Refuse(Refusal refusal);
}

/// <summary>A command with a typed answer.</summary>
public abstract class Command<T> : Command
    where T : class
{
    public Outcome<T> Outcome { get; private set; }

    internal sealed override void Apply(WorkingSet state)
    {
        state.By = By;
        Outcome = Replay(state) ?? Decide(state);
    }

    internal sealed override void Refuse(Refusal refusal) => Outcome = refusal;

    /// <summary>
    /// The outcome of a request that was decided before: its first answer again, or a refusal (R9). Null if it is new.
    /// </summary>
    protected virtual Outcome<T>? Replay(WorkingSet state) => null;

    /// <summary>Decides. A refusal must come before the first change to the state (R10).</summary>
    protected abstract Outcome<T> Decide(WorkingSet state);
}
