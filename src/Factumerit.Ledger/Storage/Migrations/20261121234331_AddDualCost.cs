namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>Two costs on each usage, the price book, the review of what has no price yet, and users' keys at LiteLLM.</summary>
public partial class AddDualCost : SqlMigration;
