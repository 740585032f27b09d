using Factumerit.Ledger.Writing;
using Npgsql;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Exports metrics and traces by OTLP if <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; otherwise registers nothing, so
/// that no request pays for it.
/// </summary>
public static class Telemetry
{
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            return;
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("factumerit-ledger"))
            .WithMetrics(metrics => metrics
                .AddMeter(LedgerMetrics.MeterName)
                .AddAspNetCoreInstrumentation()
                .AddRuntimeInstrumentation()
                .AddNpgsqlInstrumentation()
                .AddOtlpExporter())
            .WithTracing(traces => traces
                .AddSource(LedgerTraces.SourceName)
                .AddAspNetCoreInstrumentation(requests => requests.Filter = IsTraced)
                .AddHttpClientInstrumentation(calls => calls.EnrichWithHttpRequestMessage = (span, call) =>
                    span.SetTag("url.full", WithoutSecrets(call.RequestUri)))
                .AddNpgsql()
                .AddOtlpExporter());
    }

    // Probes come every few seconds and say nothing.
    private static bool IsTraced(HttpContext http) =>
        http.Request.Path.Value?.Contains("/health/", StringComparison.OrdinalIgnoreCase) is not true;

    // LiteLLM's queries name keys by their hashes, and an address may carry a password.
    private static string? WithoutSecrets(Uri? address) =>
        address?.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
}
