using System.Globalization;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>One run of wrk that is asked for.</summary>
/// <param name="Script">The Lua script, by its name without the extension.</param>
/// <param name="Connections">Connections, each with one request at a time.</param>
/// <param name="Seconds">For how long.</param>
internal sealed record WrkOrder(string Script, int Connections, int Seconds)
{
    /// <summary>Over how many users the calls spread.</summary>
    public int Users { get; init; } = Calls.Users;

    /// <summary>How many calls one request carries.</summary>
    public int CallsPerRequest { get; init; } = 1;

    /// <summary>
    /// Requests offered per second, for scripts that pace them. Other scripts send again as soon as they are answered.
    /// </summary>
    public int Rate { get; init; }
}

/// <summary>What wrk saw. Latencies are milliseconds.</summary>
internal sealed record WrkResult(IReadOnlyDictionary<string, double> Numbers, WrkOrder Order, int Tag, string Directory)
{
    /// <summary>The request ids that were acknowledged, a line each.</summary>
    public IEnumerable<string> Acknowledged => Files("ids").SelectMany(File.ReadLines);

    public double Seconds => Numbers["duration_us"] / 1e6;
    public double MeanMs => Numbers["mean_us"] / 1e3;
    public double P50Ms => Numbers["p50_us"] / 1e3;
    public double P99Ms => Numbers["p99_us"] / 1e3;
    public double MaxMs => Numbers["max_us"] / 1e3;

    /// <summary>Connections that failed or broke, as the client saw it.</summary>
    public double SocketErrors => Numbers["errors"];

    public double Status(int status) =>
        Numbers.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"status_{status}"));

    /// <summary>Usages a second that were acknowledged.</summary>
    public double UsagesPerSecond => Numbers["usages"] / Seconds;

    /// <summary>Answers a second, good or not.</summary>
    public double AnswersPerSecond => (Status(200) + Status(201) + Refused) / Seconds;

    /// <summary>Answers of any other status.</summary>
    public double Refused =>
        Numbers.Where(n => n.Key.StartsWith("status_", StringComparison.Ordinal)).Sum(n => n.Value)
        - Status(200) - Status(201);

    /// <summary>Files that the script's threads wrote, by their extension.</summary>
    public IReadOnlyList<string> Files(string extension) =>
        [.. System.IO.Directory.EnumerateFiles(Directory, $"{Wrk.Text(Tag)}-*.{extension}")];

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{AnswersPerSecond:#,0} answers/s, p50 {P50Ms:0.0} ms, p99 {P99Ms:0.0} ms, "
            + $"max {MaxMs:0.0} ms, {Refused:0} refused, {SocketErrors:0} errors");
}

/// <summary>
/// Runs wrk with a script of this project. Each run has its own tag, so no two runs share a request id.
/// </summary>
internal sealed class Wrk(string directory)
{
    // A second would not send more, but take turns with the service and the database on two processors.
    private const int Threads = 1;
    private int _runs;

    public async Task<WrkResult> RunAsync(string url, string key, WrkOrder order, CancellationToken cancellationToken)
    {
        var tag = NextTag();
        var threads = Math.Min(Threads, order.Connections);
        var lua = Path.Combine(AppContext.BaseDirectory, "Load", "Lua");
        var environment = new Dictionary<string, string>
        {
            ["BENCH_KEY"] = key,
            ["BENCH_TAG"] = Text(tag),
            ["BENCH_USERS"] = Number(order.Users),
            ["BENCH_ITEMS"] = Number(order.CallsPerRequest),
            ["BENCH_RATE"] = Number(order.Rate),
            ["BENCH_THREADS"] = Number(threads),
            ["BENCH_OUT"] = directory,
            ["BENCH_LUA"] = lua,
        };
        var output = await Child.RunAsync(
            "wrk",
            ["-t", Number(threads), "-c", Number(order.Connections), "-d", $"{order.Seconds}s", "--timeout", "10s",
                "-s", Path.Combine(lua, order.Script + ".lua"), url],
            environment, cancellationToken);
        return new WrkResult(Parse(output), order, tag, directory);
    }

    /// <summary>A number that no other run has.</summary>
    public int NextTag() => Interlocked.Increment(ref _runs);

    /// <summary>A tag as it stands in request ids and names of files.</summary>
    public static string Text(int tag) => tag.ToString("000", CultureInfo.InvariantCulture);

    private static Dictionary<string, double> Parse(string output)
    {
        var numbers = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in output.Split('\n'))
            if (line.TrimEnd().Split(' ') is ["bench", var name, var value])
                numbers[name] = double.Parse(value, CultureInfo.InvariantCulture);
        return numbers.ContainsKey("requests")
            ? numbers
            : throw new InvalidOperationException($"wrk did not report: {output}");
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
