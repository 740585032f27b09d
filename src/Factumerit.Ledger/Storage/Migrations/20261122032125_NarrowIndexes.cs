namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>Indexes that hold no more than what looks a row up or keeps it unique. Nothing that is stored changes.</summary>
public partial class NarrowIndexes : SqlMigration;
