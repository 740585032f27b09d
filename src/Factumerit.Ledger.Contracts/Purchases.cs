namespace Factumerit.Ledger.Contracts;

/// <summary>API credit bought from a provider. Request body of POST /purchases.</summary>
public sealed record PurchaseRequest
{
    /// <summary>
    /// The credit bought, without tax, in cents: greater than 0, with at most 7 decimals. Together with the tax at most
    /// 10^12.
    /// </summary>
    public decimal? CreditsCents { get; init; }

    /// <summary>Sales tax paid on the credit, in cents.</summary>
    public decimal SalesTaxCents { get; init; }

    /// <summary>
    /// The seller: a lower-case letter, then up to 39 of a-z, 0-9, _ and -; default: anthropic. An alias of a vendor,
    /// such as bedrock_converse, means that vendor.
    /// </summary>
    public string? Provider { get; init; }

    /// <summary>The invoice, at most 200 characters.</summary>
    public string? Invoice { get; init; }
}

/// <summary>A purchase as it was posted.</summary>
/// <param name="TransactionId">The transaction that booked it.</param>
/// <param name="TotalCents">Credit and tax together, in cents.</param>
/// <param name="Headroom">The headroom after the purchase.</param>
public sealed record PurchaseReceipt(Guid TransactionId, decimal TotalCents, Headroom Headroom);
