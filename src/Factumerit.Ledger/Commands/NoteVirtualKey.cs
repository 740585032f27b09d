namespace Factumerit.Ledger.Commands;

/// <summary>
/// Takes down what LiteLLM says of a key: one that is gone there has ended, and one that is blocked or open against its user's balance is put right
/// (R20), unless LiteLLM is still to be told something of it.
/// </summary>
/// <param name="key">The key as it was when LiteLLM was asked.</param>
/// <param name="isBlockedThere">Whether LiteLLM has it blocked; null when LiteLLM doesn't know it.</param>
public sealed class NoteVirtualKey(VirtualKey key, bool? isBlockedThere) : Command<VirtualKey>
{
    public const string GoneThere = "LiteLLM no longer knows this key.";

    public override string? UserId => key.UserId;
    public override Guid? VirtualKeyId => key.Id;

    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<VirtualKey> Decide(LedgerState state)
    {
        if (state.VirtualKeys.Find(key.Id) is not { } kept)
            return new Refusal.NotFound($"virtual key {key.Id}");
        if (kept.Status != VirtualKey.Active)
            return kept;
        if (isBlockedThere is not { } isBlocked)
        {
            state.VirtualKeys.Gone.Add(kept.Id);
            var detail = new { user_id = kept.UserId, reason = GoneThere };
            state.Audit(AuditActions.VirtualKeyRevoked, kept.Id.ToString(), detail);
            return state.VirtualKeys.Change(kept with
            {
                Status = VirtualKey.Revoked,
                RevokedAt = state.Now,
                CheckedAt = state.Now,
                LastError = GoneThere,
            });
        }
        var changed = state.VirtualKeys.Change(kept with { CheckedAt = state.Now });
        state.VirtualKeys.ToAlign.Add((changed, isBlocked));
        return changed;
    }
}
