using System.CommandLine;
using System.Text.Json;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa report</c>: read-only reports on the cost and the revenue of calls.
/// </summary>
internal static class ReportCommands
{
    public static Command Build(CommandTree tree) => new("report", "Report the costs and revenue of calls")
    {
        BuildMargin(tree),
    };

    private static Command BuildMargin(CommandTree tree)
    {
        var from = Inputs.Text(
            "--from", "Only calls at this time or later, for example 2026-01-01 (default: no limit)", "TIME");
        var to = Inputs.Text(
            "--to", "Only calls before this time, for example 2026-02-01 (default: no limit)", "TIME");
        var groupBy = Inputs.Choice(
            "--group-by", "Grouping of the calls (default: model)", "GROUPING", "user", "model", "provider", "day");
        const string about = "Show what providers charged for calls, what users paid, and the margin";
        return tree.Create("margin", about, async (context, cancellationToken) =>
        {
            var path = PriceCommands.PathOf(
                "reports/margin",
                ("from", context.Value(from)),
                ("to", context.Value(to)),
                ("group_by", context.Value(groupBy)));
            var report = await ReadAsync(context.Client, path, cancellationToken);
            if (context.IsJson)
                context.Output.Line(report.ToJson());
            else
                Show(report, context.Output);
            return ExitCode.Done;
        }, from, to, groupBy);
    }

    private static void Show(Report report, Output output)
    {
        var table = new TableView().Text(Title(report.LastPage.GetProperty("group_by").GetString()!))
            .Count("Calls").Count("Tokens in").Count("Tokens out")
            .Money("Provider cost").Money("User price").Money("Margin")
            .Count("Cost unknown").Count("Waiting").Count("Waived");
        foreach (var group in report.Groups.Select(Line))
            table.Row(Cells(group.Group ?? "(unknown)", group));
        table.Total(Cells("TOTAL", Line(report.LastPage.GetProperty("total"))));
        output.Table(table, "No calls.");

        static string Title(string word) => word.Length == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..];
        static MarginLine Line(JsonElement line) => CommandContext.Parse<MarginLine>(line);
        static object?[] Cells(string name, MarginLine line) =>
        [
            name, line.Calls, line.PromptTokens, line.CompletionTokens,
            line.ProviderCostUsd.ToDecimal() * 100, line.UserPriceCents, line.MarginCents.ToDecimal(),
            line.UnknownCostCalls, line.Waiting, line.Waived,
        ];
    }

    // Every page holds the total. The total of the last page is the newest.
    private static async Task<Report> ReadAsync(FaClient client, string path, CancellationToken cancellationToken)
    {
        var groups = new List<JsonElement>();
        JsonElement page = default;
        await foreach (var next in client.PagesAsync(path, LedgerList.Groups, int.MaxValue, cancellationToken))
        {
            page = next.Json;
            groups.AddRange(next.Items);
            if (!page.TryGetProperty("total", out _)
                || !page.TryGetProperty("group_by", out _))
                throw new FaException("The response has no total. Check that the URL is the ledger's.");
        }

        return new Report(groups, page);
    }

    /// <summary>The groups of all pages, and the last page for all other fields.</summary>
    private sealed record Report(IReadOnlyList<JsonElement> Groups, JsonElement LastPage)
    {
        /// <summary>The report as one page, with every number as the service sent it.</summary>
        public string ToJson()
        {
            var fields = LastPage.EnumerateObject()
                .Where(f => f.Name != LedgerList.Groups.Next)
                .Select(f => f.Name == LedgerList.Groups.Items
                    ? $"\"{f.Name}\":[{string.Join(",\n", Groups.Select(g => g.GetRawText()))}]"
                    : $"\"{f.Name}\":{f.Value.GetRawText()}");
            return $"{{{string.Join(',', fields)}}}";
        }
    }
}
