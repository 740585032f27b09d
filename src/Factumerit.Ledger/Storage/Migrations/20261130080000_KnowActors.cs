namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>Keeps whose request wrote a row, and lets API keys expire and be rotated.</summary>
public partial class KnowActors : SqlMigration;
