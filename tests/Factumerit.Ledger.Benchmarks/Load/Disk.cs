namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>What the tables of a database take up on disk, with their indexes.</summary>
internal static class Disk
{
    public static async Task<long> BytesAsync(Server server, string database, CancellationToken cancellationToken)
    {
        await server.ExecuteAsync(database, "CHECKPOINT", cancellationToken);
        return await server.ScalarAsync<long>(
            database, "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace", cancellationToken);
    }
}
