namespace Factumerit.Ledger.Commands;

/// <summary>
/// Takes down that LiteLLM was told what an entry of the outbox says (R20). Of several who told it the same, the first settles it; an entry that was
/// taken back meanwhile changes nothing.
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
