namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>A checkpoint tells which transactions it had not seen, so that the next check looks only at budgets that changed since.</summary>
public partial class KeepCheckSnapshot : SqlMigration;
