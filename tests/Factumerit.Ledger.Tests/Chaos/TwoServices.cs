using Factumerit.Ledger.Api;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Tests.Http;
using Microsoft.AspNetCore.Builder;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>Two services that share a database, as behind a load balancer.</summary>
public sealed class TwoServices : LedgerService
{
    private readonly LoadSender _sender = new(AdminKey);
    private WebApplication _second = null!;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        _second = Service.Build([
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={Database.ConnectionString}",
            $"--Auth:BootstrapAdminKey={AdminKey}",
            "--Serilog:MinimumLevel:Default=Fatal"], Answers.Install);
        await Verbs.PrepareAsync(_second, migrate: false, CancellationToken.None);
        await _second.StartAsync();
    }

    public override async Task DisposeAsync()
    {
        _sender.Dispose();
        await _second.StopAsync();
        await _second.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>Posts to one of the two in turn.</summary>
    internal Task<Reply> PostAsync(int racer, string path, object body, string? idempotencyKey) =>
        _sender.PostAsync(racer % 2 == 0 ? Url : new Uri(_second.Urls.First()), path, body, idempotencyKey);
}
