namespace Factumerit.Ledger.Tests.Storage;

/// <summary>SQL that puts entries in by hand, past the service: how tests of the database's own rules speak.</summary>
internal static class LedgerSql
{
    /// <summary>One statement that inserts legs, each as (account, debit, credit), of one transaction.</summary>
    public static string Insert(Guid transactionId, params (string Account, string Debit, string Credit)[] legs) =>
        "INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents) VALUES "
        + string.Join(", ", legs.Select(leg => $"('{transactionId}', "
            + $"'{leg.Account.Replace("'", "''", StringComparison.Ordinal)}', {leg.Debit}, {leg.Credit})"));

    /// <summary>One statement with two legs that balance.</summary>
    public static string InsertMove(string debit, string credit, string cents) =>
        Insert(Guid.CreateVersion7(), (debit, cents, "0"), (credit, "0", cents));

    /// <summary>Statements in one transaction.</summary>
    public static string Commit(params string[] statements) => $"BEGIN; {string.Join("; ", statements)}; COMMIT";
}
