using Microsoft.Extensions.Logging;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>Facts about the database that the start needs.</summary>
/// <param name="Name">The name of the database.</param>
/// <param name="Role">The role that the service uses.</param>
/// <param name="IsReadOnly">
/// Whether the server takes no writes: a standby, or a database that is set to read-only.
/// </param>
public sealed record DatabaseFacts(string Name, string Role, bool IsReadOnly);

/// <summary>
/// Checks at the start whether the database is fit for a ledger and whether the service has the rights it needs. A
/// defect is thrown as an exception with a sentence for the operator. The caller handles an unreachable database.
/// </summary>
public static class DatabaseInspection
{
    private const string Facts = """
        SELECT current_database(), current_user, current_setting('server_encoding'),
               pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, pg_backend_pid()
        """;

    // Rights are in the order of the list, so the message names related rights together.
    private const string MissingRights = """
        SELECT n.name, string_agg(r, ', ' ORDER BY position)
        FROM unnest($1, $2) AS n (name, rights),
             regexp_split_to_table(n.rights, ', (?![^(]*\))') WITH ORDINALITY AS a (r, position)
        WHERE CASE WHEN r LIKE '%(%' THEN EXISTS (
                  SELECT FROM pg_attribute c
                  WHERE c.attrelid = to_regclass(quote_ident(n.name)) AND NOT c.attisdropped
                    AND c.attname = ANY (string_to_array(substring(r FROM '\((.*)\)'), ', '))
                    AND NOT has_column_privilege(c.attrelid, c.attnum, split_part(r, ' ', 1)))
              ELSE NOT has_table_privilege(to_regclass(quote_ident(n.name)), r) END
        GROUP BY n.name ORDER BY n.name
        """;

    // A schema that the role may not use is not in its search path, so the tables in it look missing.
    private const string ClosedSchemas = """
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'ledger_origin' AND c.relkind = 'r' AND to_regclass('ledger_origin') IS NULL
          AND NOT has_schema_privilege(n.oid, 'USAGE')
        """;

    /// <summary>Refuses encodings other than UTF-8 and poolers that share sessions.</summary>
    /// <exception cref="UnusableDatabaseException">The database, or the pooler before it, is not fit.</exception>
    public static async Task<DatabaseFacts> InspectAsync(
        LedgerDatabase database, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
            var (facts, encoding, processId) = await ReadFactsAsync(connection, cancellationToken);
            if (encoding != "UTF8")
                throw new UnusableDatabaseException(
                    $"the database {facts.Name} has the encoding {encoding}, which can't hold every text: the ledger "
                    + "needs UTF8. Make a database for it with createdb -E UTF8 -T template0 NAME, and name that one "
                    + "in ConnectionStrings:Ledger.");
            if (connection.ProcessID != processId)
                await SessionPooling.RequireAsync(
                    database, connection, processId, facts.Role, logger, cancellationToken);
            return facts;
        }
        catch (PostgresException exception) when (SessionPooling.Explain(exception) is { } sentence)
        {
            throw new UnusableDatabaseException(sentence, exception);
        }
    }

    /// <summary>
    /// Refuses a role that lacks a right needed to serve. Does not check a database that is not migrated yet.
    /// </summary>
    /// <exception cref="UnusableDatabaseException">
    /// Rights are missing; the message has the GRANT statements for them.
    /// </exception>
    public static async Task RequireServingRightsAsync(
        LedgerDatabase database, DatabaseFacts facts, CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        var role = ServingRights.Quote(facts.Role);
        await using (var command = new NpgsqlCommand(ClosedSchemas, connection))
            if (await command.ExecuteScalarAsync(cancellationToken) is string schema)
                throw new UnusableDatabaseException(
                    $"the role {facts.Role} lacks USAGE on the schema of the ledger. Let its owner run: " +
                    $"GRANT USAGE ON SCHEMA {ServingRights.Quote(schema)} TO {role};");

        var missing = await ReadMissingRightsAsync(connection, cancellationToken);
        // If the role may not read the migration history either, the history exists, so the database has been migrated.
        var mayReadHistory = !missing.Exists(m => m.Table == MigrationHistory.Table);
        if (missing.Count == 0 || (mayReadHistory && !await Migrator.IsMigratedAsync(database, cancellationToken)))
            return;
        throw new UnusableDatabaseException(
            $"the role {facts.Role} lacks {string.Join(", ", missing.Select(m => $"{m.Rights} on {m.Table}"))}. " +
            "Let the owner of the tables run: " +
            string.Join(" ", missing.Select(m => ServingRights.Grant(m.Rights, m.Table, facts.Role))));
    }

    private static async Task<(DatabaseFacts Facts, string Encoding, int ProcessId)> ReadFactsAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Facts, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var facts = new DatabaseFacts(reader.GetString(0), reader.GetString(1), reader.GetBoolean(3));
        return (facts, reader.GetString(2), reader.GetInt32(4));
    }

    private static async Task<List<(string Table, string Rights)>> ReadMissingRightsAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(MissingRights, connection)
        {
            Parameters =
            {
                new() { Value = ServingRights.ByTable.Keys.ToArray() },
                new() { Value = ServingRights.ByTable.Values.ToArray() },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var missing = new List<(string, string)>();
        while (await reader.ReadAsync(cancellationToken))
            missing.Add((reader.GetString(0), reader.GetString(1)));
        return missing;
    }
}
