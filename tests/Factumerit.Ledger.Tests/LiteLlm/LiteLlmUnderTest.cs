using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.LiteLlm;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>The client as the service sets it up, with a fake LiteLLM behind it.</summary>
public abstract class LiteLlmUnderTest : IAsyncLifetime
{
    private ServiceProvider _services = null!;

    protected FakeProxy Fake { get; private set; } = null!;

    protected LiteLlmClient Client => _services.GetRequiredService<LiteLlmClient>();

    protected SpendLogs SpendLogs => _services.GetRequiredService<SpendLogs>();

    public async Task InitializeAsync()
    {
        Fake = await FakeProxy.StartAsync();
        _services = Services(Fake.Url);
    }

    public async Task DisposeAsync()
    {
        await _services.DisposeAsync();
        await Fake.DisposeAsync();
    }

    protected static ServiceProvider Services(
        string baseUrl, string masterKey = FakeProxy.MasterKey, int timeoutMs = 30_000)
    {
        var services = new ServiceCollection();
        services.AddLiteLlm();
        services.AddSingleton(
            Options.Create(new LiteLlmOptions { BaseUrl = baseUrl, MasterKey = masterKey, TimeoutMs = timeoutMs }));
        return services.BuildServiceProvider();
    }

    protected Task<MadeLiteLlmKey> MakeKeyAsync(string alias = "vk-1", string? userId = "alice") =>
        Client.MakeKeyAsync(new NewLiteLlmKey { KeyAlias = alias, UserId = userId }, CancellationToken.None);
}
