using System.Text.Json;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Reading;
using Factumerit.Ledger.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Serilog;
using Serilog.Extensions.Logging;

namespace Factumerit.Ledger.Api;

/// <summary>The settings of the framework that the service needs, out of the way of its table of contents.</summary>
public static partial class Service
{
    internal const int BodyBytesMax = 1024 * 1024;

    // What PostgreSQL answers is taken up by the thread that sees it come, instead of waiting in the pool's queue
    // behind requests: the writer is what all of them wait for. The runtime reads this when the first socket is made,
    // and offers no other way to set it. Requests themselves go to the pool. Nothing that runs on it may wait for
    // bytes: see Queries.
    private static void ContinueWhereBytesArrive()
    {
        const string variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        Environment.SetEnvironmentVariable(variable, Environment.GetEnvironmentVariable(variable) ?? "1");
    }

    private static void AddServiceLogging(this WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        // The host would begin an activity and a scope with each request, in case something is logged: our lines say
        // themselves what they belong to.
        builder.Logging.AddFilter<SerilogLoggerProvider>("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.Logging.AddSerilog(
            ReadLogLevels(builder.Configuration)
                .WriteTo.Console(
                    outputTemplate: "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}",
                    formatProvider: System.Globalization.CultureInfo.InvariantCulture)
                .CreateLogger(),
            dispose: true);
    }

    private static LoggerConfiguration ReadLogLevels(IConfiguration configuration)
    {
        try
        {
            return new LoggerConfiguration().ReadFrom.Configuration(configuration);
        }
        // A name that is none, a type that can't be found, an argument that can't be converted: its libraries have an
        // exception for each.
        catch (Exception exception)
        {
            throw new ConfigurationException($"the section Serilog can't be used: {exception.Message}");
        }
    }

    private static void ConfigureKestrel(this WebApplicationBuilder builder) => builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = 2048;
        kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
        // What Kestrel reads ahead of the request that waits for its turn.
        kestrel.Limits.MaxRequestBufferSize = 128 * 1024;
        // Longer than the service takes, so that it can say so in a problem.
        kestrel.Limits.MaxRequestLineSize = 4 * Targets.LengthMax;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        ReadLimits(builder.Configuration.GetSection("Kestrel:Limits"), kestrel.Limits);
    });

    private static void ReadLimits(IConfigurationSection section, KestrelServerLimits limits)
    {
        // One by one, so that a failure is of the limit that it names.
        foreach (var limit in section.GetChildren())
            ReadLimit(section.Path, limit, limits);
    }

    private static void ReadLimit(string path, IConfigurationSection limit, KestrelServerLimits limits)
    {
        var names = typeof(KestrelServerLimits).GetProperties().Select(property => property.Name).ToList();
        if (!names.Contains(limit.Key, StringComparer.OrdinalIgnoreCase))
            throw new ConfigurationException($"{limit.Path} is not a limit; these are: {string.Join(", ", names)}.");
        var alone = new ConfigurationBuilder().AddInMemoryCollection(limit.AsEnumerable()).Build();
        try
        {
            alone.GetSection(path).Bind(limits, options => options.ErrorOnUnknownConfiguration = true);
        }
        // A value that can't be converted or is out of range, or a name below Http2 or Http3 that is none.
        catch (Exception exception)
        {
            var why = (exception.InnerException ?? exception).Message;
            throw new ConfigurationException(
                StartFailure.ExplainValue(exception) ?? $"{limit.Path} can't be '{limit.Value}': {why}");
        }
    }

    // Work in the background ends by no exception (see Rounds); one that got through all the same must not end the
    // service.
    private static void AddBackground(this IServiceCollection services) => services
        .AddSingleton<Rounds>()
        .Configure<HostOptions>(options => options.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore);

    // All of them are singletons: a request needs no scope of its own.
    private static void UseSharedServices(this WebApplication app) => app.Use((http, next) =>
    {
        http.RequestServices = app.Services;
        return next(http);
    });

    private static void AddSettings<T>(this WebApplicationBuilder builder, string section)
        where T : class =>
        builder.Services.AddSingleton(new SettingsSection(section, typeof(T)))
            .AddOptions<T>().BindConfiguration(section)
            .Configure<IConfiguration>(
                (_, configuration) => RequireReadableLists(configuration.GetSection(section), typeof(T)))
            .ValidateDataAnnotations().ValidateOnStart();

    // The binder leaves out an item of a list with a value that can't be converted, where it throws for any other.
    private static void RequireReadableLists(IConfigurationSection section, Type type)
    {
        foreach (var property in type.GetProperties())
            if (UnknownSettings.ElementOf(property.PropertyType) is { } element)
                foreach (var item in section.GetSection(property.Name).GetChildren())
                    _ = item.Get(element);
    }

    private static void AddIntegrity(this IServiceCollection services) => services
        .AddSingleton<IntegrityCheck>().AddSingleton<FaultStore>()
        .AddSingleton<IntegrityWatch>().AddHostedService(s => s.GetRequiredService<IntegrityWatch>());

    private static void AddReview(this IServiceCollection services) =>
        services.AddSingleton<ReviewQueries>().AddSingleton<ReviewService>().AddHostedService<ReviewWatch>();

    private static void AddLedgerJson(this IServiceCollection services) => services.ConfigureHttpJsonOptions(options =>
    {
        options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.SerializerOptions.TypeInfoResolverChain.Insert(0, LedgerJson.Default);
    });
}
