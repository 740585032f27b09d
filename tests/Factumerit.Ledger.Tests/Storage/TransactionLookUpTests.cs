using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// The block range index on transaction ids finds entries in summarized ranges, in unsummarized ranges, and where an id
/// is out of order.
/// </summary>
public sealed class TransactionLookUpTests
{
    private const int Transactions = 12_000;

    // Ids as the service makes them: the milliseconds, the version, then a counter. Two entries each: two block ranges.
    private const string Fill = """
        INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents)
        SELECT id_of(n), leg.account, leg.debit, leg.credit FROM generate_series({0}, {1}) n
        CROSS JOIN (VALUES ('equity:grants', 1, 0), ('user:alice', 0, 1)) AS leg (account, debit, credit)
        """;

    private const string IdOf = """
        CREATE FUNCTION id_of(n integer) RETURNS uuid LANGUAGE sql
            RETURN (lpad(to_hex(1767225600000 + n), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid
        """;

    [Fact]
    public Task A_transaction_is_found_wherever_its_entries_lie() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await database.ExecuteAsync(IdOf);
        await FillAsync(database, 1, Transactions);
        (await database.ScalarAsync<int>("SELECT brin_summarize_new_values('ix_ledger_entries_transaction_id')"))
            .ShouldBeGreaterThan(1);
        // Behind what is noted: as many again, and then one that is older than all.
        await FillAsync(database, Transactions + 1, 2 * Transactions);
        await FillAsync(database, -1, -1);
        await database.ExecuteAsync("ANALYZE ledger_entries");

        await using var ledger = new LedgerDatabase($"{database.ConnectionString};Options=-c enable_seqscan=off");
        var reports = new LedgerReports(ledger);
        foreach (var n in (int[])[-1, 1, 2, Transactions / 2, Transactions, Transactions + 1, 2 * Transactions])
        {
            var id = await database.ScalarAsync<Guid>($"SELECT id_of({n})");
            var found = await reports.FindTransactionAsync(id, CancellationToken.None);
            found.ShouldNotBeNull($"transaction {n}").Entries.Select(e => e.Account)
                .ShouldBe(["equity:grants", "user:alice"]);
        }
        (await reports.FindTransactionAsync(
            await database.ScalarAsync<Guid>("SELECT id_of(0)"), CancellationToken.None)).ShouldBeNull();
        (await database.RowsAsync(
            "SET enable_seqscan = off; EXPLAIN SELECT FROM ledger_entries WHERE transaction_id = id_of(1)"))
            .ShouldContain(line => line.Contains("ix_ledger_entries_transaction_id", StringComparison.Ordinal));
    });

    private static Task FillAsync(TestDatabase database, int first, int last) =>
        database.ExecuteAsync(Fill.Replace("{0}", $"{first}", StringComparison.Ordinal)
            .Replace("{1}", $"{last}", StringComparison.Ordinal));
}
