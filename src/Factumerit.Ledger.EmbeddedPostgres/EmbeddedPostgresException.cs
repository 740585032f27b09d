namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>The embedded PostgreSQL can't run here. The message tells the operator what to do.</summary>
public sealed class EmbeddedPostgresException(string message) : Exception(message);
