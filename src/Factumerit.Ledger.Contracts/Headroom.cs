namespace Factumerit.Ledger.Contracts;

/// <summary>
/// The credit that providers still owe us less the credit that we owe users, in cents: the maximum that may be given
/// away (R8).
/// </summary>
/// <param name="AssetCents">Prepaid credit at all providers.</param>
/// <param name="LiabilityCents">The sum of all budgets.</param>
/// <param name="AvailableCents">Assets less liabilities; negative when more is owed than held.</param>
/// <param name="Providers">The prepaid credit by provider.</param>
public sealed record Headroom(
    decimal AssetCents, decimal LiabilityCents, decimal AvailableCents, IReadOnlyList<ProviderBalance> Providers);

/// <summary>Prepaid credit held at one provider, in cents.</summary>
public sealed record ProviderBalance(string Provider, decimal BalanceCents);
