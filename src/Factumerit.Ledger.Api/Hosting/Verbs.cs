using System.Net.Sockets;
using System.Runtime.InteropServices;
using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// The program's verbs: serve (the default), <c>migrate</c> and end, or <c>healthcheck</c> a running service.
/// </summary>
internal static class Verbs
{
    private const int WrongUsage = 2;

    public static async Task<int> RunAsync(string[] args)
    {
        if (CommandLine.AsksForHelp(args))
        {
            await Console.Out.WriteAsync(CommandLine.Help);
            return 0;
        }
        if (CommandLine.FindFault(args) is { } fault)
        {
            await Console.Error.WriteLineAsync($"Factumerit.Ledger can't start: {fault}");
            return WrongUsage;
        }
        using var stop = new StopSignal();
        try
        {
            return args switch
            {
                ["migrate", .. var rest] => await MigrateAsync(rest, stop.Token),
                ["healthcheck", .. var rest] => await CheckHealthAsync(rest),
                _ => await ServeAsync(args, stop.Token),
            };
        }
        catch (Exception exception)
        {
            var what = exception is StopException ? "did not stop cleanly" : "can't start";
            await Console.Error.WriteLineAsync($"Factumerit.Ledger {what}: {StartFailure.Explain(exception)}");
            return 1;
        }
    }

    /// <summary>
    /// Checks the settings, opens the database, and migrates it or only checks it. The service can be started
    /// afterwards.
    /// </summary>
    public static async Task PrepareAsync(WebApplication app, bool migrate, CancellationToken cancellationToken)
    {
        WarnOfUnknownSettings(app);
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        var host = app.Services.GetRequiredService<DatabaseHost>();
        await host.OpenAsync(cancellationToken);
        var database = app.Services.GetRequiredService<LedgerDatabase>();
        await (migrate ? host.MigrateAsync(database, cancellationToken) : host.CheckAsync(database, cancellationToken));
    }

    private static async Task<int> ServeAsync(string[] args, CancellationToken stop)
    {
        try
        {
            await using var app = Service.Build(args);
            await PrepareAsync(app, app.Configuration.GetValue("Database:MigrateAtStart", true), stop);
            var host = app.Services.GetRequiredService<DatabaseHost>();
            await using var stopping = stop.Register(app.Lifetime.StopApplication);
            app.Lifetime.ApplicationStarted.Register(() => host.Announce(app.Urls.First()));
            app.Lifetime.ApplicationStopping.Register(host.AnnounceStop);
            await ListenAsync(app, stop);
            await WaitAsync(app);
            return 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The service was stopped before it served: it accepted no request, so there is nothing left to do.
            return 0;
        }
    }

    private static void WarnOfUnknownSettings(WebApplication app)
    {
        var sections = app.Services.GetServices<SettingsSection>();
        foreach (var (name, nearest) in new UnknownSettings((IConfigurationRoot)app.Configuration, sections).Find())
        {
            if (nearest is null)
                app.Logger.LogWarning("The setting {Name} is unknown and ignored", name);
            else
                app.Logger.LogWarning(
                    "The setting {Name} is unknown and ignored; did you mean {Nearest}?", name, nearest);
        }
    }

    private static async Task WaitAsync(WebApplication app)
    {
        try
        {
            await app.WaitForShutdownAsync();
        }
        catch (Exception exception)
        {
            throw new StopException(exception);
        }
    }

    private static readonly string[] AddressFaults = ["HTTPS", "path base", "scheme"];

    private static async Task ListenAsync(WebApplication app, CancellationToken stop)
    {
        try
        {
            await app.StartAsync(stop);
        }
        // An address is malformed or has a path, a port is invalid or needs root, the scheme is another one, or https
        // has no certificate.
        catch (Exception exception) when (exception is FormatException or SocketException
            or ArgumentOutOfRangeException { ParamName: "port" }
            || (exception is InvalidOperationException { Message: var message }
                && AddressFaults.Any(fault => message.Contains(fault, StringComparison.Ordinal))))
        {
            throw new ConfigurationException(ListenAddresses.Explain(app.Configuration, exception));
        }
    }

    private static async Task<int> MigrateAsync(string[] args, CancellationToken stop)
    {
        try
        {
            await using var app = Service.Build(args);
            await PrepareAsync(app, migrate: true, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw new ConfigurationException("it was stopped before the database was up to date. Run migrate again.");
        }
        Console.WriteLine("The database is up to date.");
        return 0;
    }

    private const string ReadyPath = "/health/ready";

    private static async Task<int> CheckHealthAsync(string[] args)
    {
        var address = args is [var given, ..] ? given : OwnAddress();
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new ConfigurationException(
                $"healthcheck needs an address such as http://localhost:8080, not '{address}'.");
        // Only the readiness path counts: another answer doesn't show that the ledger is ready.
        if (!url.AbsolutePath.EndsWith(ReadyPath, StringComparison.Ordinal))
            url = new Uri($"{url.GetLeftPart(UriPartial.Path).TrimEnd('/')}{ReadyPath}");
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(5) };
        string trouble;
        try
        {
            using var answer = await client.GetAsync(url);
            if (answer.StatusCode == System.Net.HttpStatusCode.OK)
                return 0;
            trouble = $"answered {(int)answer.StatusCode}";
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            trouble = "can't be reached";
        }
        await Console.Error.WriteLineAsync($"Not ready: {url} {trouble}.");
        return 1;
    }

    // The address on which a service with this environment listens; the default is the image's.
    private static string OwnAddress() =>
        (Environment.GetEnvironmentVariable("ASPNETCORE_URLS") is { Length: > 0 } urls
            ? urls.Split(';')[0]
            : "http://localhost:8080")
        .Replace("://+", "://localhost", StringComparison.Ordinal)
        .Replace("://*", "://localhost", StringComparison.Ordinal)
        .Replace("://0.0.0.0", "://localhost", StringComparison.Ordinal)
        .Replace("://[::]", "://localhost", StringComparison.Ordinal);

    /// <summary>
    /// Set by SIGTERM, Ctrl-C and a closed terminal (SIGHUP). The host handles the first two only after the start,
    /// which may take minutes, and never handles the third.
    /// </summary>
    private sealed class StopSignal : IDisposable
    {
        private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP];

        private readonly CancellationTokenSource _stop = new();
        private readonly PosixSignalRegistration[] _signals;

        public StopSignal() => _signals = [.. Signals.Select(s => PosixSignalRegistration.Create(s, Stop))];

        public CancellationToken Token => _stop.Token;

        public void Dispose()
        {
            foreach (var signal in _signals)
                signal.Dispose();
            _stop.Dispose();
        }

        private void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _stop.Cancel();
        }
    }
}

/// <summary>The service served, but could not stop in order.</summary>
internal sealed class StopException(Exception inner) : Exception(inner.Message, inner);
