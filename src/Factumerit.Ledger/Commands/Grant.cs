namespace Factumerit.Ledger.Commands;

/// <summary>Grants credit: debit equity:grants, credit user:U (R6, R9, R11).</summary>
/// <param name="request">The request.</param>
/// <param name="idempotencyKey">The Idempotency-Key header.</param>
public sealed class Grant(GrantRequest request, string? idempotencyKey)
    : KeyedCommand<GrantReceipt>("grant", idempotencyKey, LedgerJson.Default.GrantReceipt)
{
    internal override void Declare(Needs needs)
    {
        base.Declare(needs);
        needs.User(request.UserId);
    }

    // Unless create_user is false, the hash is the same as before that field existed: a request that is repeated after
    // the upgrade still matches.
    protected override RequestHash Hash => CreatesUser
        ? RequestHash.Of(request.UserId, request.AmountCents, request.Reason, request.AdminId)
        : RequestHash.Of(request.UserId, request.AmountCents, request.Reason, request.AdminId, "known_user");

    private bool CreatesUser => request.CreateUser is not false;

    public override void Validate(FieldErrors errors)
    {
        base.Validate(errors);
        errors.CheckUserId("user_id", request.UserId);
        errors.CheckAmount("amount_cents", request.AmountCents, zeroAllowed: false);
        errors.CheckText("reason", request.Reason);
        errors.CheckPersonalName("admin_id", request.AdminId);
    }

    protected override Outcome<GrantReceipt> DecideNewRequest(WorkingSet state)
    {
        var (userId, amountCents) = (request.UserId!, request.AmountCents!.Value);
        var user = state.FindUser(userId);
        if (user is null && !CreatesUser)
            return new Refusal.UserNotFound(
                userId, "Check the id, sign the user up with POST /users, or leave out create_user to open a budget.");
        if (user is { IsDeleted: true })
            return new Refusal.UserDeleted(userId); // R11
        if (user is not null && !user.CanAdd(amountCents))
            return new Refusal.ValidationFailed(
                "amount_cents", "would exceed the largest balance that can be stored");

        var isCreated = user is null;
        user ??= state.OpenBudget(userId); // R6
        var transaction = LedgerTransaction.Move(
            amountCents, debit: ChartOfAccounts.GrantsEquity, credit: ChartOfAccounts.User(userId),
            "admin_credit", request.AdminId ?? By.Name, request.Reason);
        state.Post(transaction);
        user.AddCredit(amountCents);
        return new GrantReceipt(transaction.Id, user.ToBudget(), isCreated);
    }
}
