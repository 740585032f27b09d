namespace Factumerit.Ledger.Storage.Migrations;

/// <summary>Stores answers as they were sent, and gives all messages to other systems one outbox.</summary>
public partial class KeepSentAnswers : SqlMigration;
