namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>Lets checks notice tampering and keep faults, prices be taken back, and lifetime totals grow.</summary>
public partial class NoticeTampering : SqlMigration;
