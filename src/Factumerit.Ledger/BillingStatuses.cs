namespace Factumerit.Ledger;

/// <summary>The values of a usage's <c>billing_status</c> (R16).</summary>
public static class BillingStatuses
{
    /// <summary>The amount was taken from the budget.</summary>
    public const string Billed = "billed";

    /// <summary>Only recorded; no money moved. It waits for review.</summary>
    public const string NeedsReview = "needs_review";

    /// <summary>Reviewed, and nobody pays.</summary>
    public const string Waived = "waived";
}
