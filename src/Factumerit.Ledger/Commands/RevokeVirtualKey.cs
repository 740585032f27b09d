namespace Factumerit.Ledger.Commands;

/// <summary>
/// Ends a key and queues its deletion at the gateway in the same commit (R20). A request that is still creating the key
/// finds it ended and removes it. Revoking twice changes nothing.
/// </summary>
public sealed class RevokeVirtualKey(Guid id) : Command<VirtualKey>
{
    internal override void Declare(Needs needs) => needs.VirtualKey(id);

    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<VirtualKey> Decide(WorkingSet state)
    {
        if (state.VirtualKeys.Find(id) is not { } key)
            return new Refusal.NotFound($"virtual key {id}");
        if (key.Status is not (VirtualKey.Active or VirtualKey.Creating))
            return key;
        if (key.Status == VirtualKey.Active)
            state.VirtualKeys.Delete(id);
        state.Audit(AuditActions.VirtualKeyRevoked, id.ToString(), new { user_id = key.UserId });
        return state.VirtualKeys.Change(key with { Status = VirtualKey.Revoking }, state.Now);
    }
}
