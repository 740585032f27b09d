namespace Factumerit.Ledger.Commands;

/// <summary>
/// Records that an outbox row was delivered to the gateway (R20). If several workers delivered it, the first settles
/// it. A row that has left the outbox in the meantime changes nothing.
/// </summary>
public sealed class SettleDelivery(SettledDelivery delivery) : Command<SettledDelivery>
{
    internal override void Declare(Needs needs)
    {
        needs.OutboxRow(delivery.OutboxId);
        needs.VirtualKey(delivery.VirtualKeyId);
    }

    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<SettledDelivery> Decide(WorkingSet state)
    {
        if (state.VirtualKeys.FindOutbox(delivery.OutboxId) is not { } row
            || state.VirtualKeys.Find(delivery.VirtualKeyId) is not { } key)
            return delivery;
        state.VirtualKeys.Delivered.Add(row.Id);
        var action = VirtualKeyChanges.ActionOf(row.Payload);
        var (isDeletion, isKnown) = (action == "delete", delivery.IsKnown);
        if (!isKnown && !isDeletion && key.Status == VirtualKey.Active)
            state.Audit(
                AuditActions.VirtualKeyRevoked, $"{key.Id}",
                new { user_id = key.UserId, reason = NoteVirtualKey.GoneThere });
        var hasEnded = isDeletion || !isKnown;
        state.VirtualKeys.Change(
            key with
            {
                IsBlocked = isKnown && !isDeletion ? action == "block" : key.IsBlocked,
                // An earlier attempt may still take effect, so the gateway is soon asked about the key.
                CheckedAt = row.Attempts > 1 ? null : key.CheckedAt,
                Status = hasEnded ? VirtualKey.Revoked : key.Status,
                RevokedAt = hasEnded ? state.Now : key.RevokedAt,
                LastError = !isDeletion && !isKnown ? NoteVirtualKey.GoneThere : key.LastError,
            },
            state.Now);
        return delivery;
    }
}
