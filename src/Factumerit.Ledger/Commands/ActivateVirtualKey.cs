namespace Factumerit.Ledger.Commands;

/// <summary>A key as it is after LiteLLM made it: active, or revoking when it or its user ended in the meantime.</summary>
public sealed record Activation(VirtualKey Key, bool UserIsDeleted);

/// <summary>
/// Records that LiteLLM made a key. The same commit queues its block if the credit is used up by then (R20), and its
/// deletion if the user was deleted or the key was given up.
/// </summary>
public sealed class ActivateVirtualKey(VirtualKey key, string keyHash, string keyName) : Command<Activation>
{
    public override string? UserId => key.UserId;
    public override Guid? VirtualKeyId => key.Id;

    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<Activation> Decide(LedgerState state)
    {
        if (state.VirtualKeys.Find(key.Id) is not { } kept)
            return new Refusal.NotFound($"virtual key {key.Id}");
        var userIsDeleted = state.FindUser(key.UserId) is not { IsDeleted: false };
        // An attempt before this one was committed after all.
        if (kept.KeyHash is not null)
            return new Activation(kept, userIsDeleted);

        var isActive = kept.Status == VirtualKey.Creating && !userIsDeleted;
        // Otherwise the deletion has logged it.
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
        });
        if (isActive)
            state.VirtualKeys.ToAlign.Add((changed, IsBlockedThere: false));
        else
            state.VirtualKeys.ToDelete.Add(changed.Id);
        return new Activation(changed, userIsDeleted);
    }
}
