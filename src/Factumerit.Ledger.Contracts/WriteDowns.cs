namespace Factumerit.Ledger.Contracts;

/// <summary>
/// Provider credit that is used up. Request body of POST /write-downs. Exactly one of amount_cents,
/// actual_balance_cents and from_usage is given.
/// </summary>
public sealed record WriteDownRequest
{
    /// <summary>The credit consumed, in cents, from 0 to 10^12.</summary>
    public decimal? AmountCents { get; init; }

    /// <summary>
    /// The credit that is left according to the provider, in cents, from 0 to 10^12. The books are adjusted to it.
    /// </summary>
    public decimal? ActualBalanceCents { get; init; }

    /// <summary>
    /// true books the provider's usage cost that is not yet written down, to 7 decimals of a cent and at most 10^12
    /// cents at once. The rest is left for the next time.
    /// </summary>
    public bool? FromUsage { get; init; }

    /// <summary>
    /// The provider: a lower-case letter, then up to 39 of a-z, 0-9, _ and -; default: anthropic. An alias of a vendor
    /// means that vendor, unless the books still hold credit under the alias.
    /// </summary>
    public string? Provider { get; init; }

    /// <summary>The reason, for people; at most 1000 characters.</summary>
    public string? Reason { get; init; }

    /// <summary>
    /// true books it even if the provider's account holds less, or nothing was ever bought from the provider; default:
    /// false.
    /// </summary>
    public bool Force { get; init; }
}

/// <summary>A write-down as it was posted.</summary>
/// <param name="TransactionId">The transaction that booked it; null when there was nothing to book.</param>
/// <param name="AmountCents">In cents. Positive: consumed; negative: the provider has more than the books said.</param>
/// <param name="Headroom">The headroom after the write-down.</param>
public sealed record WriteDownReceipt(Guid? TransactionId, decimal AmountCents, Headroom Headroom);
