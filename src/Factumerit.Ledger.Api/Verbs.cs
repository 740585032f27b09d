using System.Net.Sockets;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Factumerit.Ledger.Api;

/// <summary>What the program can be told to do: serve (the default), <c>migrate</c> and end, or <c>healthcheck</c> a running service.</summary>
internal static class Verbs
{
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            return args switch
            {
                ["migrate", .. var rest] => await MigrateAsync(rest),
                ["healthcheck", .. var rest] => await CheckHealthAsync(rest),
                [var word, ..] when !word.StartsWith('-') && !word.StartsWith('/') && !word.Contains('=') =>
                    throw new ConfigurationException($"there is no verb '{word}'. The verbs are migrate and healthcheck; without one the service is started."),
                _ => await ServeAsync(args),
            };
        }
        catch (Exception exception) when (Explain(exception) is { } sentence)
        {
            await Console.Error.WriteLineAsync($"Factumerit.Ledger can't start: {sentence}");
            return 1;
        }
    }

    /// <summary>
    /// Opens, checks and, unless told otherwise, migrates the database; then the service can be started.
    /// </summary>
    public static async Task PrepareAsync(WebApplication app, bool migrate, CancellationToken cancellationToken)
    {
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        var host = app.Services.GetRequiredService<DatabaseHost>();
        await host.OpenAsync(cancellationToken);
        var database = app.Services.GetRequiredService<LedgerDatabase>();
        await (migrate ? host.MigrateAsync(database, cancellationToken) : host.CheckAsync(database, cancellationToken));
    }

    private static async Task<int> ServeAsync(string[] args)
    {
        await using var app = Service.Build(args);
        await PrepareAsync(app, app.Configuration.GetValue("Database:MigrateAtStart", true), CancellationToken.None);
        var host = app.Services.GetRequiredService<DatabaseHost>();
        app.Lifetime.ApplicationStarted.Register(() => host.Announce(app.Urls.First()));
        app.Lifetime.ApplicationStopping.Register(host.AnnounceStop);
        await ListenAsync(app);
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static async Task ListenAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        // An address that is none, a port that only root may open, or https without a certificate.
        catch (Exception exception) when (exception is FormatException or SocketException
            || (exception is InvalidOperationException && exception.Message.Contains("HTTPS", StringComparison.Ordinal)))
        {
            throw new ConfigurationException($"ASPNETCORE_URLS (or --urls) can't be listened on: {exception.Message.Split('\n')[0].TrimEnd()}");
        }
    }

    private static async Task<int> MigrateAsync(string[] args)
    {
        await using var app = Service.Build(args);
        await PrepareAsync(app, migrate: true, CancellationToken.None);
        Console.WriteLine("The database is up to date.");
        return 0;
    }

    private static async Task<int> CheckHealthAsync(string[] args)
    {
        if (!Uri.TryCreate(args is [var given, ..] ? given : "http://localhost:8080/health/ready", UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new ConfigurationException($"healthcheck asks an address such as http://localhost:8080/health/ready, which '{args[0]}' is not.");
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using var answer = await client.GetAsync(url);
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return 1;
        }
    }

    // Mistakes of the operator get a sentence; anything else is a bug and keeps its stack trace.
    private static string? Explain(Exception exception) => exception switch
    {
        OptionsValidationException options => string.Join(" ", options.Failures.Select(SentenceOf)),
        AggregateException { InnerExceptions: var several } when several.All(e => e is OptionsValidationException) =>
            string.Join(" ", several.Cast<OptionsValidationException>().SelectMany(e => e.Failures).Select(SentenceOf)),
        ConfigurationException or EmbeddedPostgresException or UnusableDatabaseException => exception.Message,
        InvalidOperationException { Message: var message } when message.Contains("configuration value", StringComparison.OrdinalIgnoreCase) => message,
        NpgsqlException npgsql => $"the database that ConnectionStrings:Ledger names can't be used: {npgsql.Message}",
        IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } io => $"{io.Message} Stop what listens there, or choose another address with ASPNETCORE_URLS.",
        _ => null,
    };

    // The framework wraps the sentence of an annotation: DataAnnotation validation failed for ... with the error: 'Writer:QueueLimit must ...'.
    private static string SentenceOf(string failure)
    {
        const string opening = "with the error: '", closing = "'.";
        var start = failure.IndexOf(opening, StringComparison.Ordinal);
        return start >= 0 && failure.EndsWith(closing, StringComparison.Ordinal) ? failure[(start + opening.Length)..^closing.Length] : failure;
    }
}
