namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>The ledger's tables, views and triggers, on an empty database or beside the tables of the system before.</summary>
public partial class CreateLedger : SqlMigration;
