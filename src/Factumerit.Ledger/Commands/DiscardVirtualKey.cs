namespace Factumerit.Ledger.Commands;

/// <summary>
/// Ends a key that was never created: the gateway refused it, or any key that it may have created was removed by its
/// alias. A key that was activated in the meantime stays.
/// </summary>
public sealed class DiscardVirtualKey(Guid id, string reason) : Command<VirtualKey>
{
    internal override void Declare(Needs needs) => needs.VirtualKey(id);

    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<VirtualKey> Decide(WorkingSet state)
    {
        if (state.VirtualKeys.Find(id) is not { } key)
            return new Refusal.NotFound($"virtual key {id}");
        if (key.KeyHash is not null)
            return key;
        if (key.Status is VirtualKey.Creating)
            state.Audit(AuditActions.VirtualKeyFailed, id.ToString(), new { user_id = key.UserId, reason });
        return key.Status switch
        {
            VirtualKey.Creating =>
                state.VirtualKeys.Change(key with { Status = VirtualKey.Failed, LastError = reason }, state.Now),
            VirtualKey.Revoking =>
                state.VirtualKeys.Change(
                    key with { Status = VirtualKey.Revoked, RevokedAt = state.Now, LastError = reason },
                    state.Now),
            _ => key,
        };
    }
}
