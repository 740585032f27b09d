using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The only row of <c>ledger_origin</c>: what was there when the ledger began. Its table is also the lock of the
/// writers' turns. No commit changes it.
/// </summary>
internal static class LedgerOrigin
{
    /// <summary>
    /// The time of the commit, what users had before the ledger, and the database's clock. A clock that is set back
    /// must not break the order of created_at (R13).
    /// </summary>
    public const string Query = """
        SELECT greatest(clock_timestamp(), CASE WHEN newest.id > last_entry_id THEN newest.created_at END),
               opening_cents, clock_timestamp()
        FROM ledger_origin LEFT JOIN (SELECT id, created_at FROM ledger_entries ORDER BY id DESC LIMIT 1) newest ON true
        """;

    /// <summary>The time of the newest entry, in SQL; before all times if there is none.</summary>
    public const string NewestEntryTime = """
        coalesce(
            (SELECT created_at FROM (SELECT id, created_at FROM ledger_entries ORDER BY id DESC LIMIT 1) newest
             JOIN ledger_origin ON newest.id > last_entry_id), '-infinity')
        """;

    /// <summary>Reads the result of <see cref="Query"/>, and moves on to the next result.</summary>
    public static async Task<WorkingSet> ReadAsync(NpgsqlDataReader reader)
    {
        await reader.ReadAsync();
        var set = new WorkingSet(reader.GetFieldValue<DateTimeOffset>(0))
        {
            OpeningCents = reader.GetDecimal(1),
            DatabaseTime = reader.GetFieldValue<DateTimeOffset>(2),
        };
        await reader.NextResultAsync();
        return set;
    }
}
