namespace Factumerit.Ledger.Storage;

/// <summary>
/// The database, or the connection to it, is not fit for a ledger. The message tells the operator what is wrong and
/// what to do.
/// </summary>
public sealed class UnusableDatabaseException(string message, Exception? inner = null) : Exception(message, inner);
