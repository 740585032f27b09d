namespace Factumerit.Ledger.Contracts;

/// <summary>The state of the service, and of each check by name.</summary>
public sealed record HealthAnswer(string Status, IReadOnlyDictionary<string, string> Checks);
