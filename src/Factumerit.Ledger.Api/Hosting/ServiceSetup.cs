using System.Text.Json;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Serilog;
using Serilog.Events;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// The framework's settings that the service needs, kept apart from the table of contents in Program.cs.
/// </summary>
internal static class ServiceSetup
{
    internal const int BodyBytesMax = 1024 * 1024;

    // PostgreSQL's answers are processed by the thread that receives them, instead of waiting in the thread pool's
    // queue behind requests: all requests wait for the writer. The runtime reads this variable when the first socket is
    // made, and offers no other way to set it. Requests themselves run on the pool. Code on the receiving thread must
    // not block until bytes arrive: see Queries.
    public static void InlineSocketCompletions()
    {
        const string variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        Environment.SetEnvironmentVariable(variable, Environment.GetEnvironmentVariable(variable) ?? "1");
    }

    public static void AddServiceLogging(this WebApplicationBuilder builder)
    {
        Serilog.ILogger logger = ReadLogLevels(builder.Configuration)
            // The host would begin an activity and a scope with each request, in case something is logged. The
            // service's own log lines say what they belong to. Activities for traces don't depend on it.
            .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)
            .Filter.ByExcluding(IsOfClosedConnection)
            .WriteTo.Console(
                outputTemplate: "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}",
                formatProvider: System.Globalization.CultureInfo.InvariantCulture)
            .CreateLogger();
        builder.Services.AddSerilog(logger, dispose: true);
    }

    // Kestrel: if a client closes the connection right behind its body, Kestrel leaves the pipe in the middle of a read
    // and logs that with a stack trace. The request itself has its line in the request log.
    private static bool IsOfClosedConnection(LogEvent line) =>
        line.Exception is InvalidOperationException { Message: "Reading is already in progress." }
        && line.Properties.TryGetValue("SourceContext", out var source)
        && $"{source}".Contains("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal);

    private static LoggerConfiguration ReadLogLevels(IConfiguration configuration)
    {
        try
        {
            return new LoggerConfiguration().ReadFrom.Configuration(configuration);
        }
        // An unknown name, a type that can't be found or an argument that can't be converted: the libraries throw a
        // different exception for each.
        catch (Exception exception)
        {
            throw new ConfigurationException($"the section Serilog can't be used: {exception.Message}");
        }
    }

    public static void ConfigureKestrel(this WebApplicationBuilder builder) =>
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 2048;
            kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
            // The bytes that Kestrel reads ahead for a request that waits for its turn.
            kestrel.Limits.MaxRequestBufferSize = 128 * 1024;
            // Longer than the service accepts, so that the service itself refuses a longer target with a problem.
            kestrel.Limits.MaxRequestLineSize = 4 * RequestTargets.LengthMax;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            ReadLimits(builder.Configuration.GetSection("Kestrel:Limits"), kestrel.Limits);
        });

    private static void ReadLimits(IConfigurationSection section, KestrelServerLimits limits)
    {
        // Bind each limit separately, so that an error names the limit that caused it.
        foreach (var limit in section.GetChildren())
            ReadLimit(section.Path, limit, limits);
    }

    private static void ReadLimit(string path, IConfigurationSection limit, KestrelServerLimits limits)
    {
        var names = typeof(KestrelServerLimits).GetProperties().Select(property => property.Name).ToList();
        if (!names.Contains(limit.Key, StringComparer.OrdinalIgnoreCase))
            throw new ConfigurationException(
                $"{limit.Path} is not a limit; the limits are: {string.Join(", ", names)}.");
        var alone = new ConfigurationBuilder().AddInMemoryCollection(limit.AsEnumerable()).Build();
        try
        {
            alone.GetSection(path).Bind(limits, options => options.ErrorOnUnknownConfiguration = true);
        }
        // A value can't be converted or is out of range, or a name below Http2 or Http3 is unknown.
        catch (Exception exception)
        {
            var why = (exception.InnerException ?? exception).Message;
            throw new ConfigurationException(
                StartFailure.ExplainValue(exception) ?? $"{limit.Path} can't be '{limit.Value}': {why}");
        }
    }

    // Background work never ends with an exception (see BackgroundJobs). If one escapes all the same, it must not end
    // the service.
    public static void AddBackground(this IServiceCollection services) => services
        .AddSingleton<BackgroundJobs>()
        .Configure<HostOptions>(
            options => options.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore);

    // In every environment: a singleton that takes a scoped service, or a service that can't be made, stops the start.
    public static void ValidateServices(this WebApplicationBuilder builder) =>
        builder.Host.UseDefaultServiceProvider(options => options.ValidateScopes = options.ValidateOnBuild = true);

    public static void AddSettings<T>(this WebApplicationBuilder builder, string section)
        where T : class =>
        builder.Services.AddSingleton(new SettingsSection(section, typeof(T)))
            .AddOptions<T>().BindConfiguration(section)
            .Configure<IConfiguration>(
                (_, configuration) => RequireReadableLists(configuration.GetSection(section), typeof(T)))
            .ValidateDataAnnotations().ValidateOnStart();

    // The binder drops a list item whose value can't be converted. For any other property it throws.
    private static void RequireReadableLists(IConfigurationSection section, Type type)
    {
        foreach (var property in type.GetProperties())
            if (UnknownSettings.ElementOf(property.PropertyType) is { } element)
                foreach (var item in section.GetSection(property.Name).GetChildren())
                    _ = item.Get(element);
    }

    public static void AddIntegrity(this IServiceCollection services) => services
        .AddSingleton<IntegrityCheck>().AddSingleton<FaultStore>()
        .AddSingleton<IntegrityWatch>().AddHostedService(s => s.GetRequiredService<IntegrityWatch>());

    public static void AddReview(this IServiceCollection services) =>
        services.AddSingleton<UsageQueries>().AddSingleton<ReviewService>().AddHostedService<ReviewWatch>();

    public static void AddHolds(this IServiceCollection services) =>
        services.AddSingleton<HoldQueries>().AddHostedService<HoldWatch>();

    public static void AddLedgerJson(this IServiceCollection services) => services.ConfigureHttpJsonOptions(options =>
    {
        options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.SerializerOptions.TypeInfoResolverChain.Insert(0, LedgerJson.Default);
    });
}
