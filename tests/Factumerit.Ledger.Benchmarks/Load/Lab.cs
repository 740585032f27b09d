using System.Security.Cryptography;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// Shared by all scenarios: the server, a database with 10,000 users to copy, the yardsticks so far, and the results.
/// </summary>
internal sealed class Lab(Server server, Wrk wrk, string root, TextWriter progress) : IAsyncDisposable
{
    /// <summary>The database that others are copied from.</summary>
    public const string Seeded = "bench_seeded";
    private bool _isSeeded;
    private LedgerUnderLoad? _warm;

    public Server Server => server;
    public Wrk Wrk => wrk;
    public string Root => root;

    /// <summary>The bootstrap key of the services under test.</summary>
    public string AdminKey { get; } = RandomNumberGenerator.GetHexString(64, lowercase: true);
    public List<Measure> Measures { get; } = [];
    public List<string> Failures { get; } = [];

    // Yardsticks of this run; null until they have run.
    public double? TpcbPerSecond { get; set; }
    public double? PlainPerSecond { get; set; }

    /// <summary>The tables of TPC-B are there.</summary>
    public bool HasTpcb { get; set; }

    public void Say(string line) => progress.WriteLine($"  {line}");

    public Measure Report(string what, double value, Unit unit)
    {
        var measure = new Measure(what, value, unit);
        Measures.Add(measure);
        Say($"{what}: {Measure.Format(value, unit)}");
        return measure;
    }

    public void Fail(string what)
    {
        Failures.Add(what);
        progress.WriteLine($"!!! {what}");
    }

    /// <summary>A database of its own with the schema and all users, each with a grant.</summary>
    public async Task<string> CopySeededAsync(string name, CancellationToken cancellationToken)
    {
        if (!_isSeeded)
        {
            Say($"granting credit to {Calls.Users} users");
            await Seeding.RunAsync(this, Seeded, cancellationToken);
            _isSeeded = true;
        }
        return await server.CreateDatabaseAsync(name, Seeded, cancellationToken);
    }

    /// <summary>
    /// One service that has warmed up, for scenarios that need nothing else. Scenarios that follow each other share it.
    /// It is audited before another database is opened.
    /// </summary>
    public async Task<LedgerUnderLoad> WarmAsync(CancellationToken cancellationToken)
    {
        if (_warm is null)
        {
            var opened = await OpenAsync("warm", processes: 1, cancellationToken);
            _warm = opened;
            await opened.WarmUpAsync(cancellationToken);
        }
        return _warm;
    }

    /// <summary>Audits what scenarios have shared, and ends it.</summary>
    public async Task CloseWarmAsync(CancellationToken cancellationToken)
    {
        if (_warm is not { } warm)
            return;
        await warm.CloseAsync(cancellationToken);
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _warm, null) is { } warm)
            await warm.DisposeAsync();
    }

    /// <summary>
    /// A database with all users and one service or more on it. It is audited when the scenario closes it.
    /// </summary>
    public async Task<LedgerUnderLoad> OpenAsync(string name, int processes, CancellationToken cancellationToken)
    {
        await CloseWarmAsync(cancellationToken);
        var database = $"bench_{name}";
        var connectionString = await CopySeededAsync(database, cancellationToken);
        var ledger = new LedgerUnderLoad(this, name, database, connectionString);
        try
        {
            for (var i = 0; i < processes; i++)
                await ledger.StartServiceAsync(cancellationToken);
            if (processes > 0)
                await ledger.MakeKeyAsync(cancellationToken);
            return ledger;
        }
        catch
        {
            await ledger.DisposeAsync();
            throw;
        }
    }

    /// <summary>Audits a database whose writers have ended; every fault fails the run.</summary>
    public async Task AuditAsync(string name, Audit audit, CancellationToken cancellationToken)
    {
        var faults = await audit.RunAsync(cancellationToken);
        foreach (var fault in faults)
            Fail($"AUDIT of {name}: {fault}");
        if (faults.Count == 0)
            Say($"audit of {audit.Usages:#,0} usages: all there, all right");
    }
}
