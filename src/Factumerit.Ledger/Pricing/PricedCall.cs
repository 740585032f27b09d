namespace Factumerit.Ledger.Pricing;

/// <summary>What pricing a call came to: a price with all that led to it, or the reason it needs review, or the refusal of what can't be kept.</summary>
public readonly record struct PricedCall
{
    /// <summary>What the user pays, in cents, rounded to 7 decimals; null when it needs review or is refused.</summary>
    public decimal? PriceCents { get; init; }

    /// <summary>What the provider charges, in US dollars, exact; null when it isn't known.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>The factor between the two; null without a price.</summary>
    public decimal? Markup { get; init; }

    /// <summary>The import whose prices were used; null when the cost was given.</summary>
    public long? PriceVersion { get; init; }

    /// <summary>As given, else as the price book has it for the model; else null.</summary>
    public string? Provider { get; init; }

    /// <summary>Why there is no price: one of <see cref="ReviewReasons"/>.</summary>
    public string? ReviewReason { get; init; }

    /// <summary>The cost or price is beyond what can be kept.</summary>
    public Refusal.ValidationFailed? Refusal { get; init; }
}

/// <summary>Why a usage waits for review.</summary>
public static class ReviewReasons
{
    /// <summary>The request asked for it.</summary>
    public const string Requested = "requested";

    /// <summary>The price book has no price of the model at that time.</summary>
    public const string UnknownModel = "unknown-model";

    /// <summary>There is nothing to price: no model, or no tokens.</summary>
    public const string NoTokens = "no-tokens";

    /// <summary>Nobody knows yet whose call it was.</summary>
    public const string NoUser = "no-user";

    /// <summary>The user was deleted before the call was taken in.</summary>
    public const string UserDeleted = "user-deleted";

    /// <summary>Parts exceed their whole.</summary>
    public const string TokensDisagree = "tokens-disagree";

    /// <summary>
    /// The call used something whose price can't be worked out from the price book, though the model has prices.
    /// </summary>
    public const string OtherPrice = "other-price";

    /// <summary>One of its ids belongs to another call: another user, start, tokens or cost.</summary>
    public const string IdsDisagree = "ids-disagree";

    /// <summary>It was only read again at the provider, and no call is known under its id.</summary>
    public const string Retrieved = "retrieved";

    /// <summary>The price is more than one operation, or the user's totals, can hold.</summary>
    public const string OutOfRange = "out-of-range";

    /// <summary>What a reason begins with that names fields which could not be read: unreadable:response_cost.</summary>
    public const string UnreadablePrefix = "unreadable:";

    /// <summary>
    /// Whether only a person can bill it: what is known of it may belong to a call that is billed already, or another cost than the price book's was
    /// reported.
    /// </summary>
    public static bool IsForPeople(string? reason) => reason is IdsDisagree or Retrieved || IsCostDoubtful(reason);

    /// <summary>Whether a cost was reported and could not be read.</summary>
    public static bool IsCostDoubtful(string? reason) =>
        reason?.StartsWith(UnreadablePrefix, StringComparison.Ordinal) == true
        && (reason.Contains("cost", StringComparison.Ordinal) || reason.Contains("spend", StringComparison.Ordinal));

    /// <summary>Whether the tokens are no base for a price.</summary>
    public static bool AreTokensDoubtful(string? reason) =>
        reason is TokensDisagree
        || (reason?.StartsWith(UnreadablePrefix, StringComparison.Ordinal) == true
            && (reason.Contains("tokens", StringComparison.Ordinal) || reason.Contains("usage", StringComparison.Ordinal)));
}
