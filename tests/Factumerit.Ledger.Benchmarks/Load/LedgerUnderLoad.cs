using System.Net.Http.Json;
using System.Text.Json;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// One database with the services on it. It remembers every sender's run against it: closing it compares what clients
/// were told with what the database holds.
/// </summary>
internal sealed class LedgerUnderLoad(Lab lab, string name, string database, string connectionString) : IAsyncDisposable
{
    private const int Connections = 256;
    // The runtime profiles the code before it compiles the final version. That takes this long on two processors, which
    // the load uses too.
    private const int WarmUpSeconds = 14;
    private readonly List<WrkResult> _runs = [];
    private readonly Lock _adding = new();

    public List<ServiceProcess> Services { get; } = [];
    public ServiceProcess Service => Services[0];
    public string Database => database;
    public string ConnectionString => connectionString;

    /// <summary>The secret of a stored key, as a bot has it.</summary>
    public string BotKey { get; private set; } = "";

    /// <summary>
    /// True if the scenario expects refusals. Otherwise each answer that is not a success is a fault.
    /// </summary>
    public bool RefusalsExpected { get; set; }

    /// <summary>Request ids that were recorded by other means than a sender.</summary>
    public IEnumerable<string> MoreAcknowledged { get; set; } = [];

    /// <summary>
    /// Usages that may have been written without an answer, beyond those under way at the end of each run.
    /// </summary>
    public long MoreUnacknowledged { get; set; }

    /// <summary>Usages that the audit found.</summary>
    public long Usages { get; private set; }

    public async Task<ServiceProcess> StartServiceAsync(CancellationToken cancellationToken)
    {
        var service = await ServiceProcess.StartAsync(lab.Root, connectionString, lab.AdminKey, cancellationToken);
        Services.Add(service);
        return service;
    }

    public async Task MakeKeyAsync(CancellationToken cancellationToken)
    {
        using var client = CreateClient();
        var key = new { name = $"load {Guid.NewGuid():N}", role = "bot", may_intake = true };
        using var answer = await client.PostAsJsonAsync("/api-keys", key, cancellationToken);
        answer.EnsureSuccessStatusCode();
        BotKey = (await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken))
            .GetProperty("secret").GetString()!;
    }

    /// <summary>A client with the rights of an admin, for everything but the load.</summary>
    public HttpClient CreateClient()
    {
        var client = new HttpClient { BaseAddress = new Uri(Service.Url), Timeout = TimeSpan.FromMinutes(10) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", lab.AdminKey);
        return client;
    }

    /// <summary>Gets the code of every service compiled and its pools filled.</summary>
    public async Task WarmUpAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(Services.Select(
            s => RunAsync(new WrkOrder("usage", Connections / Services.Count, WarmUpSeconds), s, cancellationToken)));

    public Task<WrkResult> RunAsync(WrkOrder order, CancellationToken cancellationToken) =>
        RunAsync(order, Service, cancellationToken);

    /// <summary>Lets wrk load a service, and keeps the result for the audit.</summary>
    public async Task<WrkResult> RunAsync(WrkOrder order, ServiceProcess service, CancellationToken cancellationToken)
    {
        var result = await lab.Wrk.RunAsync(service.Url, BotKey, order, cancellationToken);
        lock (_adding)
            _runs.Add(result);
        if (!RefusalsExpected && (result.Refused > 0 || result.SocketErrors > 0 || result.AnswersPerSecond == 0))
            lab.Fail($"{name}: clients saw errors, or nothing at all: " + string.Join(", ", result.Numbers.Where(
                n => n.Key is "errors" || n.Key.StartsWith("status", StringComparison.Ordinal))));
        lab.Say($"{order.Script}, {order.Connections} connections: {result}");
        return result;
    }

    /// <summary>Stops the services in an orderly way and audits; what is wrong fails the whole run.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        foreach (var service in Services)
            await service.StopAsync();
        var audit = new Audit(connectionString)
        {
            UsersByTag = _runs.ToDictionary(r => r.Tag, r => r.Order.Users)
                .Append(new(Filling.Tag, Calls.Users)).ToDictionary(),
            Acknowledged = _runs.SelectMany(r => r.Acknowledged).Concat(MoreAcknowledged),
            UnacknowledgedMax = _runs.Sum(r => r.Order.Connections * r.Order.CallsPerRequest) + MoreUnacknowledged,
        };
        await lab.AuditAsync(name, audit, cancellationToken);
        Usages = audit.Usages;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in Services)
            await service.DisposeAsync();
        foreach (var file in _runs.SelectMany(r => r.Files("*")))
            File.Delete(file);
        await lab.Server.DropDatabaseAsync(database, CancellationToken.None);
    }
}
