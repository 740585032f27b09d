namespace Factumerit.Ledger.Commands;

/// <summary>
/// Records what the gateway reports about a key (R20). A key that no longer exists there is ended. If a key is blocked
/// or open there against its user's balance, the correction is queued, unless another change of the key is still in the
/// outbox.
/// </summary>
/// <param name="key">The key as it was when the gateway was asked.</param>
/// <param name="isBlockedThere">Whether the key is blocked at the gateway; null when the gateway does not know
/// it.</param>
public sealed class NoteVirtualKey(VirtualKey key, bool? isBlockedThere) : Command<VirtualKey>
{
    /// <summary>What is stored with a key that the gateway no longer has.</summary>
    public const string GoneThere = "The gateway no longer knows this key.";

    internal override void Declare(Needs needs)
    {
        needs.User(key.UserId);
        needs.VirtualKey(key.Id);
    }

    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<VirtualKey> Decide(WorkingSet state)
    {
        if (state.VirtualKeys.Find(key.Id) is not { } kept)
            return new Refusal.NotFound($"virtual key {key.Id}");
        if (kept.Status != VirtualKey.Active)
            return kept;
        if (isBlockedThere is not { } isBlocked)
        {
            state.VirtualKeys.TakenBack.Add(kept.Id);
            var detail = new { user_id = kept.UserId, reason = GoneThere };
            state.Audit(AuditActions.VirtualKeyRevoked, kept.Id.ToString(), detail);
            return state.VirtualKeys.Change(kept with
            {
                Status = VirtualKey.Revoked,
                RevokedAt = state.Now,
                CheckedAt = state.Now,
                LastError = GoneThere,
            }, state.Now);
        }
        var changed = state.VirtualKeys.Change(kept with { CheckedAt = state.Now }, state.Now);
        state.VirtualKeys.ToAlign.Add((changed, isBlocked));
        return changed;
    }
}
