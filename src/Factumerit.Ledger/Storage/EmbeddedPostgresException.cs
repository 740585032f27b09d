namespace Factumerit.Ledger.Storage;

/// <summary>The embedded PostgreSQL can't run here; the message is for the operator and says what to do.</summary>
public sealed class EmbeddedPostgresException(string message) : Exception(message);
