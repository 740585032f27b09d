namespace Factumerit.Ledger.Commands;

/// <summary>Credit that an admin gives a user. Answers POST /grants.</summary>
public sealed record GrantRequest
{
    /// <summary>Who gets it: 1 to 200 characters of letters, digits and @ . _ : + = -. An unknown user gets a budget.</summary>
    public string? UserId { get; init; }

    /// <summary>How much, in cents: greater than 0, at most 10^12, with at most 7 decimals.</summary>
    public decimal? AmountCents { get; init; }

    /// <summary>Why, for people; at most 1000 characters.</summary>
    public string? Reason { get; init; }

    /// <summary>Who gives it, at most 200 characters; default: the name of the API key.</summary>
    public string? AdminId { get; init; }
}

/// <summary>A grant as it was posted, with the budget after it.</summary>
public sealed record GrantReceipt(Guid TransactionId, Budget Budget);

/// <summary>Grants credit: debit equity:grants, credit user:U (R6, R9, R11).</summary>
/// <param name="request">What was asked for.</param>
/// <param name="idempotencyKey">The header of that name.</param>
public sealed class Grant(GrantRequest request, string? idempotencyKey)
    : KeyedCommand<GrantReceipt>("grant", idempotencyKey)
{
    public override string? UserId => request.UserId;

    protected override RequestHash Hash => RequestHash.Of(request.UserId, request.AmountCents, request.Reason, request.AdminId);

    public override void Validate(FieldErrors errors)
    {
        base.Validate(errors);
        errors.CheckUserId("user_id", request.UserId);
        errors.CheckAmount("amount_cents", request.AmountCents, zeroAllowed: false);
        errors.CheckText("reason", request.Reason);
        errors.CheckPersonalName("admin_id", request.AdminId);
    }

    protected override Outcome<GrantReceipt> DecideFirst(LedgerState state)
    {
        var (userId, amountCents) = (request.UserId!, request.AmountCents!.Value);
        var user = state.FindUser(userId);
        if (user is { IsDeleted: true })
            return new Refusal.UserDeleted(userId); // R11
        if (user is not null && !user.CanAdd(amountCents))
            return new Refusal.ValidationFailed("amount_cents", "would take this user's balance beyond what can be kept");

        user ??= state.OpenBudget(userId); // R6
        var transaction = LedgerTransaction.Move(
            amountCents, debit: ChartOfAccounts.GrantsEquity, credit: ChartOfAccounts.User(userId),
            "admin_credit", request.AdminId ?? By.Name, request.Reason);
        state.Post(transaction);
        user.AddCredit(amountCents);
        return new GrantReceipt(transaction.Id, user.ToBudget());
    }
}
