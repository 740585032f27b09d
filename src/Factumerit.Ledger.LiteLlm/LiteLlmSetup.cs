using Factumerit.Ledger.Outbox;
using Factumerit.Ledger.Queries;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>Registers the services that talk to LiteLLM.</summary>
public static class LiteLlmSetup
{
    public static void AddLiteLlm(this IServiceCollection services)
    {
        services.AddHttpClient(nameof(LiteLlmClient), client => client.Timeout = Timeout.InfiniteTimeSpan)
            // A redirect would turn a POST into a GET.
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
            // The client's log messages contain addresses with key hashes and, at the lowest level, headers.
            .RemoveAllLoggers();
        services.AddSingleton<LiteLlmClient>();
        services.AddSingleton<SpendLogs>();
        services.AddSingleton<KeyOwners>();
        services.AddSingleton<CallMapping>();
        services.AddSingleton<SpendLogMatches>().AddSingleton<LiteLlmIntake>();
        services.AddSingleton<Reconciler>();
    }

    /// <summary>
    /// Registers users' keys at LiteLLM, and the services that keep them in step with the balances (R20).
    /// </summary>
    public static void AddVirtualKeys(this IServiceCollection services)
    {
        services.AddSingleton<OutboxStore>();
        services.AddSingleton<VirtualKeyQueries>();
        services.AddSingleton<VirtualKeyMaker>();
        services.AddSingleton<OutboxWorker>();
        services.AddSingleton<VirtualKeyWatch>();
        services.AddHostedService(s => s.GetRequiredService<OutboxWorker>());
        services.AddHostedService(s => s.GetRequiredService<VirtualKeyWatch>());
    }
}
