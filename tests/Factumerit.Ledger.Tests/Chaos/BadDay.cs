namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>A data directory for services that come and go, and the load that they must survive.</summary>
public sealed class BadDay : IAsyncLifetime
{
    private ServiceProcess? _service;

    public string DataDirectory { get; } = Path.Combine(Directory.CreateTempSubdirectory("bad-day-").FullName, "data");

    internal LoadSender Sender { get; } = new(ServiceProcess.AdminKey);

    internal ServiceProcess Service => _service.ShouldNotBeNull();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        Sender.Dispose();
        if (_service is not null)
            await _service.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(DataDirectory)!, recursive: true);
    }

    /// <summary>The service on this directory, started when it does not run.</summary>
    internal async Task<ServiceProcess> StartAsync(string? connectionString = null) =>
        _service is { HasExited: false }
            ? _service
            : _service = await ServiceProcess.StartAsync(DataDirectory, connectionString);

    /// <summary>A new user with plenty of credit.</summary>
    public async Task<string> UserAsync(decimal creditCents = 1_000_000)
    {
        var user = $"user-{Guid.NewGuid():N}";
        (await Sender.PostAsync(Service.Url, "/grants", new { user_id = user, amount_cents = creditCents }, user))
            .Expect(201);
        return user;
    }

    /// <summary>
    /// Audits the answers of a user's load, resends what was not acknowledged, audits those answers too, and compares
    /// the balance with the sum.
    /// </summary>
    internal async Task SettleAsync(
        string connectionString, string user, IReadOnlyCollection<SentUsage> sent, decimal creditCents = 1_000_000)
    {
        sent.ShouldAllBe(s => s.Reply == null || s.IsAcknowledged || s.Reply.Status == 503);
        await LoadAuditor.AuditAsync(connectionString, sent);
        var usages = sent.Select(s => s.Usage).Distinct().ToList();
        var again = await Task.WhenAll(
            usages.Except(sent.Where(s => s.IsAcknowledged).Select(s => s.Usage))
                .Select(usage => Sender.SendAsync(Service.Url, usage)));
        again.ShouldAllBe(s => s.IsAcknowledged);
        await LoadAuditor.AuditAsync(connectionString, [.. sent, .. again]);

        (await Sender.GetAsync(Service.Url, $"/users/{user}")).Expect(200).Amount("balance_cents")
            .ShouldBe(creditCents - usages.Sum(usage => usage.Cents));
        LoadAuditor.ExpectBalanced(await Sender.GetAsync(Service.Url, "/ledger/integrity"));
    }
}
