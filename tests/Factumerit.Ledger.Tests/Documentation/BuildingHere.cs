namespace Factumerit.Ledger.Tests.Documentation;

/// <summary>Tests whose scripts build the projects of this folder, which only one may do at a time.</summary>
[CollectionDefinition(nameof(BuildingHere))]
public sealed class BuildingHere;
