using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// Makes inserts into a table fail with a given SQLSTATE, in the statement or at commit, until disposed. Use one at a
/// time per database.
/// </summary>
internal sealed class Sabotage : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly string _table;

    private Sabotage(TestDatabase database, string table) => (_database, _table) = (database, table);

    /// <param name="when">IMMEDIATE or DEFERRED.</param>
    /// <param name="condition">Which rows fail, in SQL.</param>
    /// <param name="timesMax">How many attempts fail. A sequence counts them, since it survives a rollback.</param>
    public static async Task<Sabotage> OfAsync(
        TestDatabase database, string table, string when, string sqlState, string condition = "true",
        long timesMax = 1_000_000)
    {
        await database.ExecuteAsync($"""
            CREATE SEQUENCE sabotaged;
            CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('sabotaged') <= {timesMax} THEN
                    RAISE EXCEPTION 'sabotage' USING ERRCODE = '{sqlState}';
                END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER tr_sabotage AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY {when}
                FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION sabotage()
            """);
        return new Sabotage(database, table);
    }

    /// <summary>How often it struck or, beyond its limit, would have.</summary>
    public static Task<long> TimesAsync(TestDatabase database) =>
        database.ScalarAsync<long>("SELECT last_value FROM sabotaged");

    public async ValueTask DisposeAsync() =>
        await _database.ExecuteAsync(
            $"DROP TRIGGER tr_sabotage ON {_table}; DROP FUNCTION sabotage(); DROP SEQUENCE sabotaged");
}
