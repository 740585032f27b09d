using Factumerit.Ledger.Writing;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Exports the meters of the ledger, the web server and Npgsql by OTLP if <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set;
/// otherwise does nothing.
/// </summary>
public static class Telemetry
{
    private static readonly string[] Meters =
    [
        LedgerMetrics.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Npgsql",
        "System.Runtime",
    ];

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            return;
        var provider = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => resource.AddService("factumerit-ledger"))
            .AddMeter(Meters)
            .AddOtlpExporter()
            .Build();
        builder.Services.AddHostedService(_ => new Lifetime(provider));
    }

    // Disposes the provider when the service stops, so that the last measurements are sent too.
    private sealed class Lifetime(MeterProvider provider) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken)
        {
            provider.Dispose();
            return Task.CompletedTask;
        }
    }
}
