using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Commands;

/// <summary>Credit that an admin gives a user. Request body of POST /grants.</summary>
public sealed record GrantRequest
{
    /// <summary>
    /// The user who gets the credit: 1 to 200 characters of letters, digits and @ . _ : + = -. An unknown user gets a
    /// budget, unless create_user is false.
    /// </summary>
    public string? UserId { get; init; }

    /// <summary>The amount in cents: greater than 0, at most 10^12, with at most 7 decimals.</summary>
    public decimal? AmountCents { get; init; }

    /// <summary>The reason, for people; at most 1000 characters.</summary>
    public string? Reason { get; init; }

    /// <summary>The admin who gives the credit, at most 200 characters; default: the name of the API key.</summary>
    public string? AdminId { get; init; }

    /// <summary>
    /// Whether an unknown user gets a budget; default: true. With false an unknown user is refused with user-not-found.
    /// </summary>
    public bool? CreateUser { get; init; }
}

/// <summary>A grant as it was posted.</summary>
/// <param name="TransactionId">The transaction that booked it.</param>
/// <param name="Budget">The budget after the grant.</param>
/// <param name="UserCreated">Whether the grant opened the budget; omitted in replays of grants from before this field
/// existed.</param>
public sealed record GrantReceipt(
    Guid TransactionId,
    Budget Budget,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? UserCreated = null);

/// <summary>Grants credit: debit equity:grants, credit user:U (R6, R9, R11).</summary>
/// <param name="request">The request.</param>
/// <param name="idempotencyKey">The Idempotency-Key header.</param>
public sealed class Grant(GrantRequest request, string? idempotencyKey)
    : KeyedCommand<GrantReceipt>("grant", idempotencyKey)
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

    protected override Outcome<GrantReceipt> DecideFirst(WorkingSet state)
    {
        var (userId, amountCents) = (request.UserId!, request.AmountCents!.Value);
        var user = state.FindUser(userId);
        if (user is null && !CreatesUser)
            return new Refusal.UserNotFound(userId);
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
