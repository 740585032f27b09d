namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>Makes room for what real reports and price maps say.</summary>
public partial class AcceptRealReports : SqlMigration;
