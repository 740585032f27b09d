namespace Factumerit.Ledger.Commands;

/// <summary>
/// A key after its creation at the gateway: active, or revoking if the key or its user ended in the meantime.
/// </summary>
public sealed record Activation(VirtualKey Key, bool UserIsDeleted);

/// <summary>
/// Records that the gateway created a key. The same commit queues its block if the credit is used up by then (R20), and
/// its deletion if the user was deleted or the key has ended.
/// </summary>
public sealed class ActivateVirtualKey(VirtualKey key, string keyHash, string keyName) : Command<Activation>
{
    internal override void Declare(Needs needs)
    {
        needs.User(key.UserId);
        needs.VirtualKey(key.Id);
    }

    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<Activation> Decide(WorkingSet state)
    {
        if (state.VirtualKeys.Find(key.Id) is not { } kept)
            return new Refusal.NotFound($"virtual key {key.Id}");
        var userIsDeleted = state.FindUser(key.UserId) is not { IsDeleted: false };
        // An earlier attempt was committed after all.
        if (kept.KeyHash is not null)
            return new Activation(kept, userIsDeleted);

        var isActive = kept.Status == VirtualKey.Creating && !userIsDeleted;
        // If the key is no longer creating, the command that ended it has logged that already.
        if (kept.Status == VirtualKey.Creating && userIsDeleted)
            state.Audit(
                AuditActions.VirtualKeyRevoked, $"{key.Id}",
                new { user_id = key.UserId, reason = DeleteUser.KeysEnded });
        var changed = state.VirtualKeys.Change(kept with
        {
            KeyHash = keyHash,
            KeyName = keyName,
            Status = isActive ? VirtualKey.Active : VirtualKey.Revoking,
            RevokedAt = null,
            CheckedAt = state.Now,
        }, state.Now);
        if (isActive)
            state.VirtualKeys.ToAlign.Add((changed, IsBlockedThere: false));
        else
            state.VirtualKeys.Delete(changed.Id);
        return new Activation(changed, userIsDeleted);
    }
}
