using System.Globalization;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>Makes a ledger grow by millions of entries within minutes, by SQL, with rows like real ones.</summary>
internal static class Filling
{
    /// <summary>Stands in the request ids of usages that were filled in.</summary>
    public const int Tag = 0;

    public static async Task RunAsync(Server server, string database, int usages, CancellationToken cancellationToken)
    {
        var sql = await File.ReadAllTextAsync(
            Path.Combine(AppContext.BaseDirectory, "Load", "Sql", "fill.sql"), cancellationToken);
        await server.ExecuteAsync(
            database, sql.Replace(":usages", usages.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal),
            cancellationToken);
        await server.ExecuteAsync(database, "VACUUM ANALYZE", cancellationToken);
        await server.ExecuteAsync(database, "CHECKPOINT", cancellationToken);
    }

    public static IEnumerable<string> RequestIds(int usages) =>
        Enumerable.Range(1, usages).Select(n => Calls.RequestId(Tag, 0, n));
}
