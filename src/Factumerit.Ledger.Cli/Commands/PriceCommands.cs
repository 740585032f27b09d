using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa prices</c>: what providers charge for models. Tables show dollars for a million tokens. JSON keeps the
/// service's dollars for one token.
/// </summary>
internal static class PriceCommands
{
    // The service's own limit.
    private const int FileBytesMax = 8 * 1024 * 1024;

    private static readonly IReadOnlyDictionary<string, decimal> NoOthers = new Dictionary<string, decimal>();

    public static Command Build(CommandTree tree) => new("prices", "Manage the prices that providers charge for models")
    {
        BuildImport(tree),
        BuildList(tree),
        BuildShow(tree),
        BuildCancel(tree),
    };

    private static Command BuildCancel(CommandTree tree)
    {
        var version = new Argument<string>("VERSION")
        {
            Description = "The version's number, from 'fa prices import' or 'fa prices show'",
        };
        version.Validators.Add(result => CommandTree.Require(
            result,
            text => text.Length is > 0 and < 19 && text.All(char.IsAsciiDigit),
            "is not a version number such as 7"));
        var yes = Inputs.Yes();
        const string about = "Cancel a version that is not in force yet";
        return tree.Create("cancel", about, async (context, cancellationToken) =>
        {
            var number = context.Value(version);
            await context.ConfirmAsync($"Cancel version {number} of the prices?", yes, cancellationToken);
            var answer = await context.ChangeAsync(
                HttpMethod.Delete, $"prices/versions/{number}", null, null, "", cancellationToken);
            return context.Print<PriceCancellation>(answer, cancelled => context.Output.Line(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Cancelled version {number} of the prices, due to start at {cancelled.ValidFrom:u}.")));
        }, version, yes);
    }

    private static Command BuildImport(CommandTree tree)
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A price map such as LiteLLM's model_prices_and_context_window.json",
        };
        var validFrom = Inputs.Text(
            "--valid-from",
            "When the prices start, for example 2026-02-01T00:00:00Z "
            + "(default: now; for a model's first price, the beginning)",
            "TIME");
        var isDryRun = new Option<bool>("--dry-run") { Description = "Only show what would change" };
        var yes = new Option<bool>("--yes", "-y")
        {
            Description = "Don't ask if more than a tenth of the models would lose their price",
        };
        const string about = "Replace the prices in the price book with those of a price map; safe to run again";
        return tree.Create("import", about, async (context, cancellationToken) =>
        {
            var path = context.Value(file);
            var map = await ReadAsync(path, context.Environment.WorkingDirectory, cancellationToken);
            RequireObject(path, map);
            var answer = await SendAsync(context.Value(yes) && !context.Value(isDryRun));
            if (EndingOf(answer) is { } ending)
            {
                await ConfirmEndingAsync(context, ending, context.Value(validFrom) is not null, cancellationToken);
                answer = await SendAsync(allowGone: true);
            }
            if (!answer.IsSuccess)
                throw ToFailure(answer, path);
            return context.Print<PriceImport>(answer, import => Show(import, context.Value(isDryRun), context.Output));

            Task<LedgerAnswer> SendAsync(bool allowGone) => context.TryChangeAsync(
                HttpMethod.Post,
                PathOf(
                    "prices/import",
                    ("valid_from", context.Value(validFrom)),
                    ("dry_run", context.Value(isDryRun) ? "true" : null),
                    ("allow_gone", allowGone ? "true" : null)),
                map, null, "", cancellationToken);
        }, file, validFrom, isDryRun, yes);
    }

    private static void RequireObject(string path, byte[] map)
    {
        const string expected = "a price map is one JSON object with an entry for each model, "
            + "such as LiteLLM's model_prices_and_context_window.json";
        try
        {
            // JSON has no byte order mark, but the service accepts one.
            var begin = map.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
            using var json = JsonDocument.Parse(map.AsMemory(begin));
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new FaException($"{path}: is not a JSON object: {expected}.");
        }
        catch (JsonException failure)
        {
            throw new FaException($"{path}:{failure.LineNumber + 1}: is not JSON: {expected}.");
        }
    }

    // A problem with the request that names no query parameter is about the file.
    private static FaException ToFailure(LedgerAnswer answer, string path)
    {
        var isOfFile = answer.Problem is { Code: "validation-failed" or "malformed-request" } problem
            && problem.Errors?.Keys.Any(field => field is "valid_from" or "dry_run" or "allow_gone") is not true;
        return isOfFile ? answer.ToFailure().Of(path) : answer.ToFailure();
    }

    // The service's message about an import that would end too many models; null for any other answer.
    private static string? EndingOf(LedgerAnswer answer) =>
        answer.Problem?.Errors?.GetValueOrDefault("allow_gone") is [var ending, ..] ? ending : null;

    private static async Task ConfirmEndingAsync(
        CommandContext context, string ending, bool isDated, CancellationToken cancellationToken)
    {
        var which = ending[(ending.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        if (!context.Environment.StdinIsTerminal)
            throw new FaException($"{which}. To import it anyway, run again with --yes.");
        var question = $"{which}. Import it anyway?";
        // Prices without a time of their own start at once.
        if (isDated)
            await Confirmation.AskAsync(
                $"{question} Until shortly before the prices start, 'fa prices cancel' takes them back.",
                context.Environment,
                cancellationToken);
        else
            await Confirmation.RequireAsync(question, isGiven: false, context.Environment, cancellationToken);
    }

    private static Command BuildList(CommandTree tree)
    {
        var prefix = Inputs.Text("--prefix", "Only models whose name begins with this text, for example claude-");
        var provider = Inputs.Text("--provider", "Only models of this provider", "PROVIDER");
        var at = Inputs.Text("--at", "Prices at this time (default: now)", "TIME");
        const string about = "List the prices in force, in US dollars per million tokens";
        return tree.Create("list", about, (context, cancellationToken) =>
        {
            var path = PathOf(
                "prices",
                ("prefix", context.Value(prefix)),
                ("provider", context.Value(provider)),
                ("at", context.Value(at)));
            var items = context.Client.ItemsAsync(path, LedgerList.Prices, int.MaxValue, cancellationToken);
            var table = AddPrices(new TableView().Text("Model").Text("Provider"))
                .Text("Mode").Count("Others").Text("Valid from");
            return context.PrintListAsync<ModelPrice>(
                items, table, whenEmpty: "No prices.", addRow: price => table.Row([
                    price.Model,
                    price.Provider,
                    .. Cents(price),
                    price.Mode,
                    Others(price.OtherPrices),
                    Begin(price.ValidFrom)]));
        }, prefix, provider, at);
    }

    private static Command BuildShow(CommandTree tree)
    {
        var model = new Argument<string>("MODEL")
        {
            Description = "The model's name, for example claude-sonnet-4-20250514",
        };
        model.Validators.Add(result => CommandTree.Require(
            result, name => name.Trim('/', '.').Length > 0, "is not a model name"));
        const string about = "Show all prices that a model has had, in US dollars per million tokens";
        return tree.Create("show", about, async (context, cancellationToken) =>
        {
            // A slash in the name stays a separator of path segments.
            var path = string.Join('/', context.Value(model).Split('/').Select(Uri.EscapeDataString));
            var answer = await context.Client.GetAsync($"prices/{path}", cancellationToken);
            return context.Print<PriceHistory>(answer, history =>
            {
                context.Output.Line(Output.TextOf(history.Model));
                var table = AddPrices(new TableView().Text("Valid from").Text("Version").Text("Provider"))
                    .Text("Mode").Count("Others");
                foreach (var price in history.Prices)
                    table.Row([
                        Begin(price.ValidFrom),
                        price.Version.ToString(CultureInfo.InvariantCulture),
                        price.IsGone ? "gone" : price.Provider,
                        .. price.IsGone ? new object?[5] : Cents(price),
                        price.IsGone ? "" : price.Mode,
                        Others(price.IsGone ? null : price.OtherPrices)]);
                context.Output.Table(table, "No prices.");
                ShowOthers(history.Prices, context.Output);
            });
        }, model);
    }

    // The other prices of each version, in dollars for one unit as in the price map: a token, a query, a page.
    private static void ShowOthers(IReadOnlyList<ModelPrice> prices, Output output)
    {
        var table = new TableView().Text("Version").Text("Other price").Text("USD per unit");
        foreach (var price in prices.Where(price => !price.IsGone))
            foreach (var (name, usd) in price.OtherPrices ?? NoOthers)
                table.Row(
                    price.Version.ToString(CultureInfo.InvariantCulture),
                    name,
                    usd.ToString(CultureInfo.InvariantCulture));
        if (table.IsEmpty)
            return;
        output.Line("");
        output.Table(table, "");
    }

    private static object Others(OtherPriceDictionary? others) =>
        others is { Count: > 0 } ? (long)others.Count : "";

    private static void Show(PriceImport import, bool isDryRun, Output output)
    {
        if (import.Changes.Count > 0)
        {
            var table = new TableView()
                .Text("Model").Text("Change").Text("Provider").Text("Input").Text("Output")
                .Text("Cache read").Text("Cache write").Text("Reasoning").Text("Others");
            foreach (var change in import.Changes)
                table.Row([change.Model, change.Change, .. Differences(change.Old, change.New)]);
            output.Table(table, "");
            if (import.HasMoreChanges)
                output.Line("... and more.");
            output.Line("");
        }

        var counts = $"{MoneyFormat.Count(import.Added)} added, {MoneyFormat.Count(import.Changed)} changed, "
            + $"{MoneyFormat.Count(import.Gone)} gone, {MoneyFormat.Count(import.Unchanged)} unchanged, "
            + $"{MoneyFormat.Count(import.Skipped)} skipped";
        output.Line(isDryRun
            ? $"Dry run, nothing was imported: {counts}."
            : import.Version is { } version
                ? $"Imported version {version.ToString(CultureInfo.InvariantCulture)}: {counts}."
                : $"Nothing changed: {counts}.");
    }

    // Shows each price once if both are the same, else the old and the new one.
    private static IEnumerable<string> Differences(TokenPrices? before, TokenPrices? after)
    {
        yield return Difference(before?.Provider, after?.Provider);
        foreach (var (earlier, later) in Cents(before).Zip(Cents(after)))
            yield return Difference(
                earlier is null ? null : MoneyFormat.Format(earlier.Value),
                later is null ? null : MoneyFormat.Format(later.Value));
        yield return OtherDifference(before, after);

        string Difference(string? earlier, string? later) =>
            before is null || after is null || earlier == later
                ? Output.TextOf(later ?? earlier)
                : $"{Output.TextOf(earlier)} -> {Output.TextOf(later)}";
    }

    // The number of other prices, and how many of them differ.
    private static string OtherDifference(TokenPrices? before, TokenPrices? after)
    {
        var (earlier, later) = (before?.OtherPrices ?? NoOthers, after?.OtherPrices ?? NoOthers);
        if (before is null || after is null)
            return MoneyFormat.Count(Math.Max(earlier.Count, later.Count));
        var differing = earlier.Keys.Union(later.Keys).Count(
            name => !earlier.TryGetValue(name, out var old) || !later.TryGetValue(name, out var usd) || old != usd);
        return differing == 0
            ? MoneyFormat.Count(later.Count)
            : $"{MoneyFormat.Count(later.Count)}, {MoneyFormat.Count(differing)} changed";
    }

    private static TableView AddPrices(TableView table) =>
        table.Money("Input").Money("Output").Money("Cache read").Money("Cache write").Money("Reasoning");

    private static IEnumerable<object?> Cents(ModelPrice price) =>
        Cents(new TokenPrices(
            price.Provider,
            price.InputUsdPerToken,
            price.OutputUsdPerToken,
            price.CacheReadUsdPerToken,
            price.CacheWriteUsdPerToken,
            price.ReasoningUsdPerToken)).Cast<object?>();

    // Dollars for one token times 10^8 are cents for a million tokens.
    private static IEnumerable<decimal?> Cents(TokenPrices? prices) =>
        new[]
        {
            prices?.InputUsdPerToken,
            prices?.OutputUsdPerToken,
            prices?.CacheReadUsdPerToken,
            prices?.CacheWriteUsdPerToken,
            prices?.ReasoningUsdPerToken,
        }.Select(usd => usd * 100_000_000m);

    private static object Begin(DateTimeOffset? validFrom) => validFrom is { } time ? time : "the beginning";

    public static string PathOf(string path, params (string Name, string? Value)[] parameters)
    {
        var query = string.Join('&', parameters
            .Where(p => p.Value is not null)
            .Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}"));
        return query.Length == 0 ? path : $"{path}?{query}";
    }

    private static async Task<byte[]> ReadAsync(
        string path, string workingDirectory, CancellationToken cancellationToken)
    {
        try
        {
            var file = new FileInfo(Path.GetFullPath(path, workingDirectory));
            if (Directory.Exists(file.FullName))
                throw new FaException($"{path}: is a directory.");
            if (file.Length > FileBytesMax)
                throw new FaException($"{path}: is larger than 8 MiB, the limit for a price map.");
            return await File.ReadAllBytesAsync(file.FullName, cancellationToken);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FaException($"{path}: no such file.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new FaException($"{path}: {failure.Message}");
        }
    }
}
