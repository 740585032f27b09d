using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Properties;

/// <summary>The answer of an operation as one line. The model and the ledger must agree word for word.</summary>
internal static class Verdict
{
    public static string Of(Outcome<Registration> outcome) =>
        Of(outcome, a => $"{(a.Existed ? "existed" : "created")} {Of(a.Budget)}");

    public static string Of(Outcome<RecordedUsage> outcome) =>
        Of(outcome, a =>
            $"used {a.UserId} {Money.Format(a.AmountCents!.Value)} leaves {Money.Format(a.BalanceCents)} "
            + $"moved {a.TransactionId is not null}");

    public static string Of(Outcome<HoldAnswer> outcome) =>
        Of(outcome, a => OfHold(
            a.UserId, a.State, a.RequestedCents, a.HeldCents, a.SettledCents, a.BalanceCents, a.AvailableCents));

    public static string OfHold(
        string userId, string state, decimal requested, decimal held, decimal settled, decimal balance,
        decimal available) =>
        $"holds {Money.Format(held)} of {Money.Format(requested)} for {userId} {state} settled {Money.Format(settled)} "
        + $"balance {Money.Format(balance)} available {Money.Format(available)}";

    public static string OfRefusal(decimal? balance, decimal available, decimal? requested) =>
        $"insufficient-credit {(balance is { } cents ? Money.Format(cents) : "unknown")} {Money.Format(available)}"
        + (requested is { } asked ? $" {Money.Format(asked)}" : "");

    public static string Of(Outcome<GrantReceipt> outcome) =>
        Of(outcome, a => $"granted {Of(a.Budget)} created {a.UserCreated}");

    public static string Of(Outcome<PurchaseReceipt> outcome) =>
        Of(outcome, a => $"bought {Money.Format(a.TotalCents)} {Of(a.Headroom)}");

    public static string Of(Outcome<WriteDownReceipt> outcome) =>
        Of(outcome, a =>
            $"wrote down {Money.Format(a.AmountCents)} {Of(a.Headroom)} moved {a.TransactionId is not null}");

    public static string Of(Outcome<Deletion> outcome) =>
        Of(outcome, a => $"deleted {Money.Format(a.ForfeitedCents)} {Money.Format(a.WrittenOffCents)}");

    public static string OfBudget(
        string userId, decimal balance, decimal spent, decimal added, bool isSignedUp, bool isDeleted) =>
        $"{userId} {Money.Format(balance)} spent {Money.Format(spent)} added {Money.Format(added)} "
        + $"signed up {isSignedUp} deleted {isDeleted}";

    public static string OfHeadroom(decimal assets, decimal liabilities) =>
        $"of {Money.Format(assets)} owing {Money.Format(liabilities)}";

    private static string Of(Budget b) =>
        OfBudget(
            b.UserId, b.BalanceCents, b.TotalSpentCents, b.TotalAddedCents, b.SignedUpAt is not null,
            b.DeletedAt is not null);

    private static string Of(Headroom h) => OfHeadroom(h.AssetCents, h.LiabilityCents);

    private static string Of<T>(Outcome<T> outcome, Func<T, string> say)
        where T : class =>
        outcome.Refusal switch
        {
            null => (outcome.Replayed ? "again: " : "") + say(outcome.Answer!),
            Refusal.InsufficientCredit r => OfRefusal(r.BalanceCents, r.AvailableCents, r.RequestedCents),
            Refusal.HoldClosed r => $"{r.Code} {r.State}",
            Refusal.InsufficientHeadroom r =>
                $"{r.Code} {Money.Format(r.AvailableCents)} {Money.Format(r.RequestedCents)}",
            Refusal.InsufficientProviderCredit r =>
                $"{r.Code} {(r.AvailableCents is { } cents ? Money.Format(cents) : "unknown")} "
                + $"{Money.Format(r.RequestedCents)}",
            { } r => r.Code,
        };
}
