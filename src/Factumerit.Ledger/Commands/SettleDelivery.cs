namespace Factumerit.Ledger.Commands;

/// <summary>
/// Records that an outbox entry was delivered to LiteLLM (R20). If several workers delivered it, the first settles it.
/// An entry that has left the outbox in the meantime changes nothing.
/// </summary>
public sealed class SettleDelivery(SettledDelivery delivery) : Command<SettledDelivery>
{
    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<SettledDelivery> Decide(LedgerState state)
    {
        state.VirtualKeys.Settled.Add(delivery);
        return delivery;
    }
}
