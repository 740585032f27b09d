namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>Adds holds, what they set aside in the budgets, and the hold that a usage names.</summary>
public partial class AddHolds : SqlMigration;
