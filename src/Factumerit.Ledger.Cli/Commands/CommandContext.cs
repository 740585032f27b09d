using System.CommandLine;
using System.Text.Json;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// What one command works with: its arguments, the service and the output. The settings are read with the first
/// request. A wrong file or a missing <c>--yes</c> is therefore reported before a missing key.
/// </summary>
internal sealed class CommandContext(
    FaEnvironment environment, ParseResult parse, bool isJson, Func<Settings> findSettings) : IDisposable
{
    private readonly Lazy<FaClient> _client = new(() => new FaClient(findSettings(), environment.Time));

    public FaEnvironment Environment => environment;

    public Output Output { get; } = new(environment);

    public FaClient Client => _client.Value;

    /// <summary>True once the service has carried out a request that changes something.</summary>
    public bool HasChanged => _client.IsValueCreated && _client.Value.HasChanged;

    /// <summary>True if programs read the output (<c>--json</c>).</summary>
    public bool IsJson => isJson;

    public T? Value<T>(Option<T> option) => parse.GetValue(option);

    public T Value<T>(Argument<T> argument) => parse.GetRequiredValue(argument);

    /// <summary>The path of a user, escaped: ids may hold ':', '@', '+' and '='.</summary>
    public string UserPath(Argument<string> user) => $"users/{Uri.EscapeDataString(Value(user))}";

    public Task ConfirmAsync(string question, Option<bool> yes, CancellationToken cancellationToken) =>
        Confirmation.RequireAsync(question, Value(yes), environment, cancellationToken);

    /// <summary>
    /// Sends a request that changes something. If it is unknown whether the request was carried out, the failure says
    /// how to retry it safely.
    /// </summary>
    public async Task<LedgerAnswer> ChangeAsync(
        HttpMethod method,
        string path,
        byte[]? body,
        string? idempotencyKey,
        string runAgain,
        CancellationToken cancellationToken)
    {
        var answer = await TryChangeAsync(method, path, body, idempotencyKey, runAgain, cancellationToken);
        return answer.IsSuccess ? answer : throw answer.ToFailure();
    }

    /// <summary>
    /// Like <see cref="ChangeAsync"/>, but returns a refusal instead of throwing it. The caller may try again.
    /// </summary>
    public async Task<LedgerAnswer> TryChangeAsync(
        HttpMethod method,
        string path,
        byte[]? body,
        string? idempotencyKey,
        string runAgain,
        CancellationToken cancellationToken)
    {
        var advice = $"It is unknown whether the request was carried out. Running it again{runAgain} is safe.";
        try
        {
            var answer = await Client.TrySendAsync(method, path, body, idempotencyKey, cancellationToken);
            return !answer.IsSuccess && answer.ToFailure() is { IsOutcomeUnknown: true } failure
                ? throw failure
                : answer;
        }
        catch (FaException failure) when (failure.IsOutcomeUnknown)
        {
            throw failure.WithAdvice(advice);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new FaException($"Interrupted. {advice}", ExitCode.Interrupted) { IsOutcomeUnknown = true };
        }
    }

    /// <summary>
    /// Prints the answer as received for programs, or lets <paramref name="show"/> print it for people.
    /// </summary>
    public int Print<T>(LedgerAnswer answer, Action<T> show)
    {
        if (isJson)
            Output.Line(answer.Body.TrimEnd());
        else
            show(answer.As<T>());
        return ExitCode.Done;
    }

    /// <summary>Prints a list as one JSON array for programs, or as a table with a row for each item.</summary>
    public async Task<int> PrintListAsync<T>(
        IAsyncEnumerable<JsonElement> items,
        TableView table,
        Action<T> addRow,
        string whenEmpty,
        Action? addTotal = null)
        where T : notnull
    {
        if (isJson)
        {
            await PrintArrayAsync(items);
            return ExitCode.Done;
        }

        await foreach (var item in items)
            addRow(Parse<T>(item));
        addTotal?.Invoke();
        Output.Table(table, whenEmpty);
        return ExitCode.Done;
    }

    public static T Parse<T>(JsonElement item) where T : notnull
    {
        try
        {
            return item.Deserialize(LedgerJson.LenientOf<T>()) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new FaException("Can't read an item of the response. Check that the URL is the ledger's.");
        }
    }

    public void Dispose()
    {
        if (_client.IsValueCreated)
            _client.Value.Dispose();
    }

    private async Task PrintArrayAsync(IAsyncEnumerable<JsonElement> items)
    {
        // Items are printed as they arrive, so a list of millions is never held in memory.
        var separator = "[";
        await foreach (var item in items)
        {
            await environment.Stdout.WriteAsync($"{separator}{item.GetRawText()}");
            separator = ",\n";
        }

        await environment.Stdout.WriteLineAsync(separator == "[" ? "[]" : "]");
    }
}
