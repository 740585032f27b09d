namespace Factumerit.Ledger.Commands;

/// <summary>The budget after a signup. Existed: the user had already signed up and got nothing more (R7).</summary>
public sealed record Registration(Budget Budget, bool Existed);

/// <summary>
/// Signs a user up: debit equity:initial, credit user:U (R8, R11). The first signup counts, even if a call or a grant
/// opened the budget before (R7).
/// </summary>
public sealed class Signup(SignupRequest request) : Command<Registration>
{
    private const int PromoTtlDaysMax = 3650;

    private bool NeedsHeadroom => request.InitialCreditCents > 0 && !request.OverrideHeadroomCheck;

    internal override void Declare(Needs needs)
    {
        needs.User(request.UserId);
        if (NeedsHeadroom)
            needs.AllTotals();
    }

    public override void Validate(FieldErrors errors)
    {
        errors.CheckUserId("user_id", request.UserId);
        errors.CheckAmount("initial_credit_cents", request.InitialCreditCents, zeroAllowed: true);
        if (request.PromoTtlDays is < 1 or > PromoTtlDaysMax)
            errors.Add("promo_ttl_days", $"must be a whole number from 1 to {PromoTtlDaysMax}");
    }

    protected override Outcome<Registration> Decide(WorkingSet state)
    {
        var userId = request.UserId!;
        var creditCents = request.InitialCreditCents;
        var user = state.FindUser(userId);
        if (user is { IsDeleted: true })
            return new Refusal.UserDeleted(userId); // R11
        if (user is { SignedUpAt: not null })
            return new Registration(user.ToBudget(), Existed: true); // R7
        if (NeedsHeadroom && state.Headroom().AvailableCents is var availableCents && availableCents < creditCents)
            return new Refusal.InsufficientHeadroom(availableCents, creditCents); // R8
        if (user is not null && !user.CanAdd(creditCents))
            return new Refusal.ValidationFailed(
                "initial_credit_cents", "would exceed the largest balance that can be stored");

        user ??= state.OpenBudget(userId);
        user.SignUp(state.Now, request.PromoTtlDays is { } days ? state.Now.AddDays(days) : null);
        state.Touch(user);
        if (creditCents > 0)
        {
            state.Post(LedgerTransaction.Move(
                creditCents, debit: ChartOfAccounts.InitialEquity, credit: ChartOfAccounts.User(userId),
                "initial", description: "Signup credit"));
            user.AddCredit(creditCents);
        }
        else
            state.Audit(AuditActions.UserSignedUp, userId);
        return new Registration(user.ToBudget(), Existed: false);
    }
}
