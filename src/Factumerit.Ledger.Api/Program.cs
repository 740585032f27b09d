using Factumerit.Ledger.Api.Endpoints;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api;

/// <summary>The service: its parts and its routes.</summary>
public static class Service
{
    public static Task<int> Main(string[] args)
    {
        ServiceSetup.InlineSocketCompletions();
        return Verbs.RunAsync(args);
    }

    /// <param name="configure">Adds to the services before the application is built, as test hosts do.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        // appsettings.json is beside the program; an embedded database keeps its data in the working directory.
        // Settings are read once: watching their files could fail if the system has no file watches left.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.ValidateServices();
        builder.AddServiceLogging();
        builder.ConfigureKestrel();

        builder.AddConfiguration();
        builder.AddLedger();
        builder.AddHttp();
        configure?.Invoke(builder);

        var app = builder.Build();
        app.UseSecurityHeaders();
        app.UseProxyHeaders();
        app.UseRequestLog();
        app.UseRequestTargetChecks();
        app.UseRouting();
        app.UseProblems();
        app.UseApiPage();
        app.UseApiKeys();
        app.UseLoadShedding();
        app.UseRateLimits();
        app.UseQueryParameterChecks();
        app.UseLargeBodyLimits();
        app.UseEncodedBodies();
        app.MapRoutes();
        return app;
    }

    // An invalid value stops the start.
    private static void AddConfiguration(this WebApplicationBuilder builder)
    {
        builder.AddSettings<EmbeddedOptions>("Embedded");
        builder.AddSettings<DatabaseOptions>("Database");
        builder.AddSettings<WriterOptions>("Writer");
        builder.AddSettings<AuthOptions>("Auth");
        builder.AddSettings<RateLimitOptions>("RateLimits");
        builder.AddSettings<IntegrityOptions>("Integrity");
        builder.AddSettings<PricingOptions>("Pricing");
        builder.AddSettings<LiteLlmOptions>("LiteLlm");
        builder.AddSettings<ForwardedOptions>("ForwardedHeaders");
    }

    private static void AddLedger(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<DatabaseHost>();
        builder.Services.AddSingleton(s => s.GetRequiredService<DatabaseHost>().CreateDatabase());
        builder.Services.AddSingleton(s => s.GetRequiredService<IOptions<WriterOptions>>().Value);
        builder.Services.AddSingleton<LedgerWriter>();
        builder.Services.AddBackground();
        builder.Services.AddSingleton<BudgetService>();
        builder.Services.AddSingleton<UserQueries>();
        builder.Services.AddSingleton<LedgerReports>();
        builder.Services.AddSingleton<AuditQueries>();
        builder.Services.AddSingleton<MarginReports>();
        builder.Services.AddHolds();
        builder.Services.AddReview();
        builder.Services.AddIntegrity();
        builder.Services.AddPriceBook();
        builder.Services.AddLiteLlm();
        builder.Services.AddVirtualKeys();
    }

    private static void AddHttp(this WebApplicationBuilder builder)
    {
        builder.Services.AddLedgerJson();
        builder.Services.AddApiKeys();
        builder.Services.AddRateLimits();
        builder.Services.AddEncodedBodies();
        builder.Services.AddSingleton<ReadConcurrency>();
        builder.Services.AddSingleton<LargeBodies>();
        builder.Services.AddSingleton(
            s => new IntakeMemory(LargeBodies.SmallBytesMax, s.GetRequiredService<LargeBodies>().AcquireAsync));
        builder.Services.AddHealth();
        builder.Services.AddApiPage();
        builder.AddTelemetry();
    }

    private static void MapRoutes(this WebApplication app)
    {
        app.MapUsers();
        app.MapUsage();
        app.MapIntake();
        app.MapHolds();
        app.MapPrices();
        app.MapCredit();
        app.MapLedger();
        app.MapVirtualKeys();
        app.MapReports();
        app.MapApiKeys();
        app.MapAuditLog();
        app.MapProblems();
        app.MapHealth();
    }
}
