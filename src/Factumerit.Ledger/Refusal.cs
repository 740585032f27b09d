namespace Factumerit.Ledger;

/// <summary>
/// The reason why an operation was not done. A refusal is an ordinary result, not an exception, and leaves no trace
/// (R10). docs/errors.md says what a caller does about each <see cref="Code"/>.
/// </summary>
public abstract record Refusal(string Code, string Detail)
{
    /// <summary>
    /// A field is missing, wrong or unknown. Errors lists the errors by field, named as sent; MoreErrors counts the
    /// errors that are not listed.
    /// </summary>
    public sealed record ValidationFailed(IReadOnlyDictionary<string, string[]> Errors, int MoreErrors = 0)
        : Refusal("validation-failed", Describe(Errors, MoreErrors))
    {
        public ValidationFailed(string field, string error)
            : this(new Dictionary<string, string[]> { [field] = [error] })
        {
        }

        /// <summary>The number of errors, including those that are not listed.</summary>
        public int ErrorCount => Errors.Values.Sum(errors => errors.Length) + MoreErrors;

        /// <summary>This refusal with its errors counted but not listed.</summary>
        public ValidationFailed CountedOnly() => new(new Dictionary<string, string[]>(), ErrorCount);

        private static string Describe(IReadOnlyDictionary<string, string[]> errors, int more)
        {
            var listed = string.Join(" ", errors.Select(e => $"{e.Key} {string.Join("; ", e.Value)}."));
            return more == 0 ? listed
                : errors.Count == 0 ? $"{more} errors, which are not listed."
                : $"{listed} {more} more errors are not listed.";
        }
    }

    /// <summary>R4, R21: spending, and a new hold, need available credit.</summary>
    /// <param name="UserId">The user.</param>
    /// <param name="BalanceCents">The balance; null for an unknown user (R6).</param>
    /// <param name="AvailableCents">The balance less what open holds set aside.</param>
    /// <param name="RequestedCents">What a hold would set aside; null for a usage.</param>
    public sealed record InsufficientCredit(
        string UserId, decimal? BalanceCents, decimal AvailableCents, decimal? RequestedCents = null)
        : Refusal("insufficient-credit", Explain(UserId, BalanceCents, AvailableCents, RequestedCents))
    {
        private static string Explain(
            string userId, decimal? balanceCents, decimal availableCents, decimal? requestedCents)
        {
            var has = balanceCents is not { } balance
                ? $"No user {userId} is known yet, and an unknown user has 0 cents of credit"
                : balance == availableCents ? $"{userId} has {Money.Format(balance)} cents of credit"
                : $"{userId} has {Money.Format(balance)} cents of credit, of which "
                    + $"{Money.Format(availableCents)} are available: holds set the rest aside";
            return requestedCents is { } requested
                ? $"{has}; the hold asks for {Money.Format(requested)}. "
                    + "Grant credit or ask for less, then send the request again; "
                    + "partial: true takes what is available."
                : $"{has}; spending needs available credit above 0. "
                    + "Grant credit, then send the same request again.";
        }
    }

    /// <summary>R24: a hold ends once.</summary>
    public sealed record HoldClosed(Guid Id, string State) : Refusal(
        "hold-closed", $"Hold {Id} is {State}: it holds no credit any more. Place a new hold.")
    {
        public HoldClosed(Hold hold) : this(hold.Id, hold.State)
        {
        }
    }

    /// <summary>R8: the headroom does not cover the credit to give away.</summary>
    public sealed record InsufficientHeadroom(decimal AvailableCents, decimal RequestedCents)
        : Refusal(
            "insufficient-anthropic-credits",
            $"The signup credit of {Money.Format(RequestedCents)} cents exceeds the headroom of "
            + $"{Money.Format(AvailableCents)} cents. Book a purchase first.");

    /// <summary>
    /// A write-down of more than the provider's account holds, or of a provider without an account in the books.
    /// </summary>
    /// <param name="Provider">The provider of the account.</param>
    /// <param name="AvailableCents">The balance of the account; null when nothing was ever booked on it.</param>
    /// <param name="RequestedCents">The amount to write down or to add.</param>
    public sealed record InsufficientProviderCredit(string Provider, decimal? AvailableCents, decimal RequestedCents)
        : Refusal("insufficient-provider-credit", Explain(Provider, AvailableCents, RequestedCents))
    {
        private static string Explain(string provider, decimal? availableCents, decimal requestedCents) =>
            availableCents is { } cents
                ? $"{ChartOfAccounts.Asset(provider)} holds {Money.Format(cents)} cents, "
                    + $"less than the {Money.Format(requestedCents)} cents to write down. "
                    + "Check provider and amount, book the missing purchase first, or force it (force: true, --force), "
                    + "which takes the account below 0."
                : $"Nothing was ever bought from {provider}. "
                    + "Check the provider's name, book the purchase first, or force it (force: true, --force).";
    }

    /// <summary>The operation needs a user who exists.</summary>
    /// <param name="UserId">The id that no user has.</param>
    /// <param name="Remedy">What the caller does about it.</param>
    public sealed record UserNotFound(string UserId, string Remedy = "Check the id, or sign the user up first.")
        : Refusal("user-not-found", $"There is no user {UserId}. {Remedy}");

    public sealed record NotFound(string What) : Refusal("not-found", $"There is no {What}.");

    /// <summary>R11: a deleted user's budget is closed.</summary>
    public sealed record UserDeleted(string UserId)
        : Refusal("user-deleted", $"{UserId} was deleted; its budget is closed for good.");

    /// <summary>R9: the key was used with another body.</summary>
    public sealed record IdempotencyKeyReused(string Key)
        : Refusal(
            "idempotency-key-reused",
            $"The idempotency key {Key} belongs to a request with a different body. "
            + "Repeat that request unchanged, or use a new key.");

    /// <summary>A key that was revoked or has expired gets no new secret.</summary>
    public sealed record ApiKeyEnded(Guid Id)
        : Refusal("api-key-ended", $"API key {Id} was revoked or has expired. Create a new one.");

    /// <summary>R16: a usage is reviewed once. The first of two reviewers wins.</summary>
    public sealed record AlreadyReviewed(Guid UsageId, string Reviewed)
        : Refusal("already-reviewed", $"Usage {UsageId} {Reviewed}.")
    {
        public AlreadyReviewed(Storage.UsageRow usage) : this(usage.Id, Explain(usage))
        {
        }

        private static string Explain(Storage.UsageRow usage) => usage.ReviewedAt is { } at
            ? string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"was {usage.BillingStatus} by {usage.ReviewedBy} at {at.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}")
            : "was billed when it was recorded, and never needed a review";
    }

    /// <summary>A waiting usage or a hold can't be priced, and the request gives no price.</summary>
    public sealed record NotPriceable(
        string Reason,
        string Remedy = "Send amount_cents or provider_cost_usd, import prices first, or waive the usage.")
        : Refusal("not-priceable", $"{Reason} {Remedy}");

    /// <summary>R18: prices that are in force or were used are never changed.</summary>
    public sealed record NotCancellable(string Reason) : Refusal("not-cancellable", Reason);

    /// <summary>A command failed on a bug and was not done. The other commands of the request were.</summary>
    public sealed record InternalError()
        : Refusal("internal-error", "The command could not be written. See the service's log.");

    /// <summary>
    /// The database is unavailable, the queue is full, or the retries are used up. Either nothing was written, or a
    /// retry with the same key is safe.
    /// </summary>
    public sealed record Unavailable(string Reason)
        : Refusal("unavailable", $"{Reason} It is safe to send the same request again with the same key.");
}

/// <summary>
/// The result of an operation: its answer or a refusal. Replayed: the answer repeats the first one (R9).
/// </summary>
public readonly record struct Outcome<T>(T? Answer, Refusal? Refusal, bool Replayed = false)
    where T : class
{
    /// <summary>The first answer as it was sent, for a replay of an operation with an idempotency key.</summary>
    public StoredAnswer? Stored { get; init; }

    public static implicit operator Outcome<T>(T answer) => new(answer, null);

    public static implicit operator Outcome<T>(Refusal refusal) => new(null, refusal);
}

/// <summary>An answer as it was sent: the HTTP status and the JSON body.</summary>
public sealed record StoredAnswer(short Status, string Json);
