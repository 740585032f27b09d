using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa litellm reconcile</c>: has the service ask LiteLLM for its calls. Each request covers at most one day, so
/// requests stay short and a failure keeps the days already done. Safe to run again.
/// </summary>
internal static class LiteLlmCommands
{
    // The service's own limit for one answer.
    private const int ExamplesMax = 100;

    public static Command Build(CommandTree tree) => new("litellm", "Reconcile the ledger with LiteLLM")
    {
        BuildReconcile(tree),
    };

    private static Command BuildReconcile(CommandTree tree)
    {
        var from = Time("--from", "Start of the time span, for example 2026-01-31 or 2026-01-31T12:00:00Z");
        var to = Time("--to", "End of the time span, exclusive");
        const string about = "Record the calls that LiteLLM did not report, and compare the costs of the others; "
            + "safe to run again";
        return tree.Create("reconcile", about, async (context, cancellationToken) =>
        {
            var begin = LedgerTime.Parse(context.Value(from))!.Value;
            var end = LedgerTime.Parse(context.Value(to))!.Value;
            if (end <= begin)
                throw new FaException("--to must be after --from.", ExitCode.WrongUsage);
            var sum = new Reconciliation(0, 0, 0, 0, [], 0, [], 0);
            for (var day = begin; day < end; day = NextDay(day, end))
                sum = Add(sum, await ReconcileAsync(context, day, NextDay(day, end), cancellationToken));
            if (context.IsJson)
                context.Output.Line(JsonSerializer.Serialize(sum, LedgerJson.Default.Reconciliation));
            else
                Show(sum, context.Output);
            return sum.FailedCount == 0 ? ExitCode.Done : ExitCode.Failed;
        }, from, to);
    }

    private static async Task<Reconciliation> ReconcileAsync(
        CommandContext context, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        using var body = new JsonBody();
        body.Text("from", Text(from)).Text("to", Text(to));
        var answer = await context.ChangeAsync(
            HttpMethod.Post, "intake/litellm/reconcile", body.ToBytes(), null, "", cancellationToken);
        return answer.As<Reconciliation>();
    }

    private static void Show(Reconciliation sum, Output output)
    {
        if (sum.Differing.Count > 0)
        {
            var table = new TableView().Text("Call").Text("Usage").Money("Cost here").Money("Cost at LiteLLM");
            foreach (var difference in sum.Differing)
                table.Row([
                    difference.ExternalId, difference.UsageId, difference.OursUsd * 100, difference.TheirsUsd * 100]);
            output.Table(table, "");
            if (sum.DifferingCount > sum.Differing.Count)
                output.Line("... and more.");
            output.Line("");
        }
        foreach (var failure in sum.Failed)
            output.Line($"{failure.Code}: {Output.TextOf(failure.Detail)}");
        output.Line(
            $"{MoneyFormat.Count(sum.Matched)} matched "
            + $"({MoneyFormat.Count(sum.DifferingCount)} with a different cost), "
            + $"{MoneyFormat.Count(sum.Added)} added, {MoneyFormat.Count(sum.NeedsReview)} added for review, "
            + $"{MoneyFormat.Count(sum.Skipped)} skipped, {MoneyFormat.Count(sum.FailedCount)} failed");
    }

    private static Reconciliation Add(Reconciliation sum, Reconciliation day) => new(
        sum.Matched + day.Matched, sum.Added + day.Added, sum.NeedsReview + day.NeedsReview, sum.Skipped + day.Skipped,
        [.. sum.Failed.Concat(day.Failed).Take(ExamplesMax)], sum.FailedCount + day.FailedCount,
        [.. sum.Differing.Concat(day.Differing).Take(ExamplesMax)], sum.DifferingCount + day.DifferingCount);

    // Days begin at midnight UTC, because LiteLLM lists its older spend logs by day.
    private static DateTimeOffset NextDay(DateTimeOffset time, DateTimeOffset end) =>
        new DateTimeOffset(time.UtcDateTime.Date, TimeSpan.Zero).AddDays(1) is var midnight && midnight < end
            ? midnight
            : end;

    private static Option<string?> Time(string name, string description)
    {
        var time = new Option<string?>(name) { Description = description, HelpName = "TIME", Required = true };
        time.Validators.Add(result => CommandTree.Require(
            result,
            text => LedgerTime.TryParse(text, out _),
            "is not a time such as 2026-01-31 or 2026-01-31T12:00:00Z"));
        return time;
    }

    private static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
