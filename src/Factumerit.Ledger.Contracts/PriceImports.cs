namespace Factumerit.Ledger.Contracts;

/// <summary>The result of an import, or of a dry run.</summary>
public sealed record PriceImport
{
    /// <summary>The new version of the price book; null when nothing changed, or in a dry run.</summary>
    public long? Version { get; init; }

    /// <summary>When changed prices come into force and gone prices end.</summary>
    public required DateTimeOffset ValidFrom { get; init; }

    /// <summary>The number of models that had no price before.</summary>
    public required int Added { get; init; }

    /// <summary>The number of models whose prices change.</summary>
    public required int Changed { get; init; }

    /// <summary>
    /// The number of models that are no longer in the map. They have no price from valid_from on.
    /// </summary>
    public required int Gone { get; init; }

    /// <summary>The number of models whose prices stay the same.</summary>
    public required int Unchanged { get; init; }

    /// <summary>The number of map entries that are not priced per token, including the map's template.</summary>
    public required int Skipped { get; init; }

    /// <summary>The changes by model, at most 1000.</summary>
    public required IReadOnlyList<PriceChange> Changes { get; init; }

    /// <summary>Whether there are more changes than are listed.</summary>
    public required bool HasMoreChanges { get; init; }
}

/// <summary>The change that a map makes to one model: added, changed or gone.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Change">added, changed or gone.</param>
/// <param name="ValidFrom">When the change takes effect; null: from the beginning, because no earlier price is
/// known.</param>
/// <param name="Old">The prices until then; null when there were none.</param>
/// <param name="New">The prices from then on; null when the model is gone.</param>
public sealed record PriceChange(
    string Model, string Change, DateTimeOffset? ValidFrom, TokenPrices? Old, TokenPrices? New)
{
    public const string Added = "added";
    public const string Changed = "changed";
    public const string Gone = "gone";
}

/// <summary>A version of the price book that was cancelled before it began.</summary>
public sealed record PriceCancellation(
    long Version, DateTimeOffset ValidFrom, DateTimeOffset CancelledAt, string CancelledBy);
