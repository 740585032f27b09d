using Factumerit.Ledger.Api.Endpoints;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Reading;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api;

/// <summary>The service: what it consists of, and what it serves.</summary>
public static partial class Service
{
    public static Task<int> Main(string[] args) => Verbs.RunAsync(args);

    public static WebApplication Build(string[] args)
    {
        // appsettings.json lies beside the program; the working directory is where an embedded database keeps its data.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.AddServiceLogging();
        builder.ConfigureKestrel();

        // Configuration: a wrong value stops the start.
        builder.AddSettings<EmbeddedOptions>("Embedded");
        builder.AddSettings<DatabaseOptions>("Database");
        builder.AddSettings<WriterOptions>("Writer");
        builder.AddSettings<AuthOptions>("Auth");
        builder.AddSettings<RateLimitOptions>("RateLimits");
        builder.AddSettings<IntegrityOptions>("Integrity");
        builder.AddSettings<PricingOptions>("Pricing");

        // The ledger.
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<DatabaseHost>();
        builder.Services.AddSingleton(s => new LedgerDatabase(s.GetRequiredService<DatabaseHost>().ConnectionString, s.GetRequiredService<IOptions<DatabaseOptions>>().Value.PoolSize));
        builder.Services.AddSingleton(s => s.GetRequiredService<IOptions<WriterOptions>>().Value);
        builder.Services.AddSingleton(s => new CurrentPrices(new Markups(s.GetRequiredService<IOptions<PricingOptions>>().Value)));
        builder.Services.AddSingleton<LedgerWriter>();
        builder.Services.AddSingleton<BudgetService>();
        builder.Services.AddSingleton<UserQueries>();
        builder.Services.AddSingleton<LedgerReports>();
        builder.Services.AddReview();
        builder.Services.AddSingleton<PriceStore>();
        builder.Services.AddSingleton<PriceQueries>();
        builder.Services.AddSingleton<IntegrityCheck>();
        builder.Services.AddHostedService<PriceWatch>();
        builder.Services.AddHostedService<IntegrityWatch>();

        // HTTP around it.
        builder.Services.AddLedgerJson();
        builder.Services.AddApiKeyAuthorization();
        builder.Services.AddRateLimits();
        builder.Services.AddHealth();
        builder.Services.AddApiPage();
        builder.AddTelemetry();

        var app = builder.Build();
        app.UseRequestLog();
        app.UseProblems();
        app.UseApiPage();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseRateLimits();

        app.MapUsers();
        app.MapUsage();
        app.MapPrices();
        app.MapCredit();
        app.MapLedger();
        app.MapApiKeys();
        app.MapProblems();
        app.MapHealth();
        return app;
    }
}
