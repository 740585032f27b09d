namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The result of pricing a call: a price and the values that led to it, the reason why the call needs review, or a
/// refusal because a value can't be stored.
/// </summary>
public readonly record struct PricedCall
{
    /// <summary>What the user pays, in cents, rounded to 7 decimals; null when it needs review or is refused.</summary>
    public decimal? PriceCents { get; init; }

    /// <summary>What the provider charges, in US dollars, exact; null when it isn't known.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>The factor between cost and price; null without a price.</summary>
    public decimal? Markup { get; init; }

    /// <summary>The import whose prices were used; null when the cost was given.</summary>
    public long? PriceVersion { get; init; }

    /// <summary>The given provider, else the price book's provider of the model, else null.</summary>
    public string? Provider { get; init; }

    /// <summary>Why there is no price: one of <see cref="ReviewReasons"/>.</summary>
    public string? ReviewReason { get; init; }

    /// <summary>Set when the cost or the price can't be stored.</summary>
    public Refusal.ValidationFailed? Refusal { get; init; }
}

/// <summary>Why a usage waits for review.</summary>
public static class ReviewReasons
{
    /// <summary>The request asked for it.</summary>
    public const string Requested = "requested";

    /// <summary>The price book has no price of the model at that time.</summary>
    public const string UnknownModel = "unknown-model";

    /// <summary>The price book could not be read for so long that its prices may have been cancelled.</summary>
    public const string StalePrices = "stale-prices";

    /// <summary>There is nothing to price: no model, or no tokens.</summary>
    public const string NoTokens = "no-tokens";

    /// <summary>The user of the call is not known yet.</summary>
    public const string NoUser = "no-user";

    /// <summary>The user was deleted before the call was recorded.</summary>
    public const string UserDeleted = "user-deleted";

    /// <summary>A part of the tokens exceeds its whole.</summary>
    public const string TokensDisagree = "tokens-disagree";

    /// <summary>
    /// The model has prices, but the call used something whose price can't be calculated from the price book.
    /// </summary>
    public const string OtherPrice = "other-price";

    /// <summary>One of its ids belongs to another call, with another user, start, tokens or cost.</summary>
    public const string IdsDisagree = "ids-disagree";

    /// <summary>The call was only read again at the provider, and no call is known under its id.</summary>
    public const string Retrieved = "retrieved";

    /// <summary>The price exceeds the limit of one operation or of the user's balance.</summary>
    public const string OutOfRange = "out-of-range";

    /// <summary>The prefix of reasons that name unreadable fields, such as unreadable:response_cost.</summary>
    public const string UnreadablePrefix = "unreadable:";

    /// <summary>
    /// Whether only a person can bill it: it may belong to a call that is already billed, or a cost was reported that
    /// could not be read and may differ from the price book's.
    /// </summary>
    public static bool IsForPeople(string? reason) => reason is IdsDisagree or Retrieved || IsCostDoubtful(reason);

    /// <summary>Whether a cost was reported but could not be read.</summary>
    public static bool IsCostDoubtful(string? reason) =>
        reason?.StartsWith(UnreadablePrefix, StringComparison.Ordinal) == true
        && (reason.Contains("cost", StringComparison.Ordinal) || reason.Contains("spend", StringComparison.Ordinal));

    /// <summary>Whether the tokens are unsuitable for calculating a price.</summary>
    public static bool AreTokensDoubtful(string? reason) =>
        reason is TokensDisagree
        || (reason?.StartsWith(UnreadablePrefix, StringComparison.Ordinal) == true
            && (reason.Contains("tokens", StringComparison.Ordinal)
                || reason.Contains("usage", StringComparison.Ordinal)));
}
