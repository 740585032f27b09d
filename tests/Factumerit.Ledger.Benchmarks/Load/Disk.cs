namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// The size on disk of a database's tables with their indexes, and the time that the disk takes for a flush.
/// </summary>
internal static class Disk
{
    // About what a commit under full load flushes, and how often.
    private const int FlushBytes = 128 * 1024;
    private static readonly TimeSpan FlushEvery = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// The longest time that a write and flush took, without any database. No commit beside it would have been faster.
    /// </summary>
    public static async Task<double> LongestFlushMsAsync(Lab lab, TimeSpan time, CancellationToken cancellationToken)
    {
        var path = Path.Combine(lab.Server.Directory, "flush");
        var bytes = new byte[FlushBytes];
        var (clock, began, longest) = (TimeProvider.System, TimeProvider.System.GetTimestamp(), TimeSpan.Zero);
        await using var file = new FileStream(
            path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        while (clock.GetElapsedTime(began) < time)
        {
            var written = clock.GetTimestamp();
            await file.WriteAsync(bytes, cancellationToken);
            file.Flush(flushToDisk: true);
            longest = clock.GetElapsedTime(written) is var took && took > longest ? took : longest;
            await Task.Delay(FlushEvery, cancellationToken);
        }
        lab.Say($"the disk alone: longest flush {longest.TotalMilliseconds:0.0} ms");
        return longest.TotalMilliseconds;
    }

    public static Task<long> BytesAsync(Server server, string database, CancellationToken cancellationToken) =>
        server.ScalarAsync<long>(
            database,
            "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class "
                + "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
            cancellationToken);
}
