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

    /// <summary>The user whose budget is loaded and locked; null when the operation needs none.</summary>
    public virtual string? UserId => null;

    /// <summary>The request id whose earlier usage is looked up, together with <see cref="UserId"/>.</summary>
    public virtual string? RequestId => null;

    /// <summary>
    /// The ids at another system under which an earlier usage is looked up (R17); null when there are none.
    /// </summary>
    public virtual (string SourceSystem, IReadOnlyList<string> ExternalIds)? Aliases => null;

    /// <summary>The usage to review (R16); null when the operation reviews none.</summary>
    public virtual Guid? UsageId => null;

    /// <summary>
    /// The operation and key whose first answer is looked up; null when the key is stored elsewhere or not needed.
    /// </summary>
    public virtual (string Operation, string Key)? AnswerKey => null;

    /// <summary>The virtual key at LiteLLM to load; null when the operation needs none.</summary>
    public virtual Guid? VirtualKeyId => null;

    /// <summary>Whether the decision or the answer needs the totals of the system accounts.</summary>
    public virtual bool ReadsTotals => false;

    /// <summary>
    /// The provider whose usage cost not yet written down is loaded and locked (R19); null when the operation needs
    /// none.
    /// </summary>
    public virtual string? UsageCostOf => null;

    /// <summary>
    /// True if a cached budget is enough to decide the command. Saving then fails if the cached budget is stale or the
    /// idempotency key is already known (R9). This holds only for a decision that changes the budget and records a
    /// usage; any other decision is made again on loaded data.
    /// </summary>
    public virtual bool IsProvenBySaving => false;

    /// <summary>Reports every invalid field. A command with an error is not queued.</summary>
    public abstract void Validate(FieldErrors errors);

    /// <summary>Decides on the locked state.</summary>
    internal abstract void Apply(LedgerState state);

    /// <summary>Ends the command without a decision.</summary>
    internal abstract void Refuse(Refusal refusal);
}

/// <summary>A command with a typed answer.</summary>
public abstract class Command<T> : Command
    where T : class
{
    public Outcome<T> Outcome { get; private set; }

    internal sealed override void Apply(LedgerState state)
    {
        state.By = By;
        Outcome = FirstAnswer(state) ?? Decide(state);
    }

    internal sealed override void Refuse(Refusal refusal) => Outcome = refusal;

    /// <summary>The first answer to a request with the same key (R9); null when there was none.</summary>
    protected virtual Outcome<T>? FirstAnswer(LedgerState state) => null;

    /// <summary>Decides. A refusal must come before the first change to the state (R10).</summary>
    protected abstract Outcome<T> Decide(LedgerState state);
}
