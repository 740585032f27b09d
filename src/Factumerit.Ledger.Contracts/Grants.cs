using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

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
