namespace Factumerit.Ledger.Commands;

/// <summary>
/// One operation of the ledger. It names what it touches, so that the writer can load and lock that; then, given the locked state, it decides
/// purely in memory: what to post, or why not. Commands know no EF, SQL or HTTP. A command may be applied again when a commit has to be
/// repeated, so it keeps nothing between attempts but its outcome.
/// </summary>
public abstract class Command
{
    /// <summary>Whose request it is; stands with all that it writes.</summary>
    public Actor By { get; internal set; } = Actor.Service;

    /// <summary>The user whose budget is loaded and locked; null when the operation touches none.</summary>
    public virtual string? UserId => null;

    /// <summary>The request id whose earlier usage is looked up, together with <see cref="UserId"/>.</summary>
    public virtual string? RequestId => null;

    /// <summary>The ids at another system whose usage, if it is known under one of them, is looked up (R17); null when there are none.</summary>
    public virtual (string SourceSystem, IReadOnlyList<string> ExternalIds)? Aliases => null;

    /// <summary>The usage that is reviewed (R16); null when the operation reviews none.</summary>
    public virtual Guid? UsageId => null;

    /// <summary>The operation and key whose first answer is looked up; null for operations whose key lives elsewhere or that need none.</summary>
    public virtual (string Operation, string Key)? AnswerKey => null;

    /// <summary>The key at LiteLLM that is loaded; null when the operation concerns none.</summary>
    public virtual Guid? VirtualKeyId => null;

    /// <summary>Whether the totals of the system accounts are needed to decide, or to answer.</summary>
    public virtual bool ReadsTotals => false;

    /// <summary>The provider whose cost of usage that is not written down yet is loaded and locked (R19); null for operations that don't ask.</summary>
    public virtual string? UsageCostOf => null;

    /// <summary>
    /// Whether it needs to know of nothing but its user's budget, and saving what it decides would fail if its key were known (R9). Then a budget that is
    /// remembered will do in place of one that was loaded, as long as both come about: it moves that budget, and brings a usage.
    /// </summary>
    public virtual bool IsProvenBySaving => false;

    /// <summary>Reports every field that is wrong. Nothing is queued when there is one.</summary>
    public abstract void Validate(FieldErrors errors);

    /// <summary>Decides, on the locked state.</summary>
    internal abstract void Apply(LedgerState state);

    /// <summary>Ends the command without a decision.</summary>
    internal abstract void Refuse(Refusal refusal);
}

/// <summary>A command with the type of its answer.</summary>
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
