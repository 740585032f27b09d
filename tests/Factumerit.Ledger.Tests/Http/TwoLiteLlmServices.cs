using Factumerit.Ledger.Api;
using Factumerit.Ledger.Api.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Two services that share a database and a LiteLLM, which both tell of the keys.</summary>
public sealed class TwoLiteLlmServices : LiteLlmService
{
    private WebApplication _second = null!;

    /// <summary>The second one, for postings.</summary>
    public HttpClient Second { get; } = new();

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        _second = Service.Build([
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={Database.ConnectionString}",
            $"--Auth:BootstrapAdminKey={AdminKey}",
            "--Serilog:MinimumLevel:Default=Fatal", .. Configuration], Answers.Install);
        await Verbs.PrepareAsync(_second, migrate: false, CancellationToken.None);
        await _second.StartAsync();
        Second.BaseAddress = new Uri(_second.Urls.First());
        Second.DefaultRequestHeaders.Authorization = new("Bearer", AdminKey);
    }

    public override async Task DisposeAsync()
    {
        Second.Dispose();
        await _second.StopAsync();
        await _second.DisposeAsync();
        await base.DisposeAsync();
    }
}
