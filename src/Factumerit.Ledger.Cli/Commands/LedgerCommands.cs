using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa ledger</c>: what the books say. None of these commands posts anything.
/// </summary>
internal static class LedgerCommands
{
    public static Command Build(CommandTree tree) => new("ledger", "Show and check the books")
    {
        BuildBalances(tree),
        BuildUser(tree),
        BuildIntegrity(tree),
        BuildResolveFault(tree),
        tree.Create(
            "summary", "Show debits and credits by account type, and the calls waiting for review", SummaryAsync),
        tree.Create("headroom", "Show the credit held at providers minus the credit owed to users", HeadroomAsync),
    };

    /// <summary>Prints the headroom and the balances of the providers.</summary>
    public static void Show(Headroom headroom, Output output)
    {
        output.Properties(
            ("Assets", headroom.AssetCents),
            ("Owed to users", headroom.LiabilityCents),
            ("Headroom", headroom.AvailableCents));
        if (headroom.Providers is not { Count: > 0 } providers)
            return;
        var table = new TableView().Text("Provider").Money("Balance");
        foreach (var provider in providers)
            table.Row(provider.Provider, provider.BalanceCents);
        output.Line("");
        output.Table(table, "");
    }

    private static Command BuildBalances(CommandTree tree)
    {
        var type = Inputs.Choice("--type", "Only accounts of this type", "TYPE", "user", "asset", "expense", "equity");
        const string about = "List all accounts with their balance, debits and credits";
        return tree.Create("balances", about, (context, cancellationToken) =>
        {
            var path = context.Value(type) is { } only ? $"ledger/balances?type={only}" : "ledger/balances";
            var items = context.Client.ItemsAsync(path, LedgerList.Accounts, int.MaxValue, cancellationToken);
            var table = new TableView()
                .Text("Account").Text("Type").Money("Balance").Money("Debits").Money("Credits").Count("Entries");
            var (balance, debits, credits, entries) = (0m, 0m, 0m, 0L);
            return context.PrintListAsync<AccountBalance>(
                items,
                table,
                whenEmpty: "No accounts.",
                addRow: account =>
                {
                    table.Row(
                        account.Account, account.Type, account.BalanceCents,
                        account.TotalDebits, account.TotalCredits, account.EntryCount);
                    balance += account.BalanceCents;
                    debits += account.TotalDebits;
                    credits += account.TotalCredits;
                    entries += account.EntryCount;
                },
                addTotal: () => table.Total("TOTAL", "", balance, debits, credits, entries));
        }, type);
    }

    private static Command BuildUser(CommandTree tree)
    {
        var user = Inputs.User();
        var limit = Inputs.Count("--limit", "Number of entries to show, newest first", 20, 100_000);
        return tree.Create("user", "Show a user's budget and newest entries", async (context, cancellationToken) =>
        {
            var budget = await context.Client.GetAsync(context.UserPath(user), cancellationToken);
            var path = $"{context.UserPath(user)}/entries";
            var entries = context.Client.ItemsAsync(path, LedgerList.Entries, context.Value(limit), cancellationToken);
            if (context.IsJson)
                return await PrintJsonAsync(context, budget, entries);

            UserCommands.Show(budget.As<Budget>(), context.Output);
            context.Output.Line("");
            var table = new TableView().Text("Entry").Text("Time").Money("Debit").Money("Credit").Text("Type")
                .Text("Reference").Text("Posted by").Text("Description");
            return await context.PrintListAsync<LedgerEntry>(
                entries, table, whenEmpty: "No entries.", addRow: entry => table.Row(
                    entry.Id.ToString(CultureInfo.InvariantCulture),
                    entry.CreatedAt,
                    NullIfZero(entry.DebitCents),
                    NullIfZero(entry.CreditCents),
                    entry.ReferenceType,
                    entry.ReferenceId,
                    entry.PostedBy?.Name,
                    entry.Description));
        }, user, limit);
    }

    // One object with the two answers as received.
    private static async Task<int> PrintJsonAsync(
        CommandContext context, LedgerAnswer budget, IAsyncEnumerable<JsonElement> entries)
    {
        var list = new List<string>();
        await foreach (var entry in entries)
            list.Add(entry.GetRawText());
        context.Output.Line($"{{\"budget\":{budget.Body.Trim()},\"entries\":[{string.Join(',', list)}]}}");
        return ExitCode.Done;
    }

    private static Command BuildIntegrity(CommandTree tree)
    {
        var full = new Option<bool>("--full")
        {
            Description = "Check all entries from the first one, not only those since the last check",
        };
        return tree.Create(
            "integrity",
            "Check whether the books balance; exits with 1 if there is a fault",
            (context, cancellationToken) => IntegrityAsync(context, context.Value(full), cancellationToken),
            full);
    }

    private static async Task<int> IntegrityAsync(
        CommandContext context, bool isFull, CancellationToken cancellationToken)
    {
        var answer = await context.Client.GetAsync(
            isFull ? "ledger/integrity?full=true" : "ledger/integrity", cancellationToken);
        var integrity = answer.As<IntegrityReport>();
        var faults = integrity.Faults ?? [];
        var isSound = integrity.IsBalanced && integrity.Imbalance == 0 && faults.Count == 0;
        context.Print<IntegrityReport>(answer, _ =>
        {
            context.Output.Verdict(isSound ? "BALANCED" : "IMBALANCE", isSound);
            context.Output.Properties(
                ("Debits", integrity.TotalDebits),
                ("Credits", integrity.TotalCredits),
                ("Imbalance", integrity.Imbalance),
                ("Entries", integrity.EntryCount),
                ("Transactions", integrity.TransactionCount));
            if (faults.Count == 0)
                return;
            // Only faults found by a background check have a number, which 'resolve-fault' takes.
            var isKept = faults.Any(fault => fault.FaultId is not null);
            var table = new TableView().Text("Fault").Text("Id").Text("Detail");
            if (isKept)
                table.Text("Number").Text("Found");
            foreach (var fault in faults)
                table.Row([fault.Kind, fault.Id, fault.Detail, .. isKept ? KeptOf(fault) : []]);
            context.Output.Line("");
            context.Output.Table(table, "");
        });
        return isSound ? ExitCode.Done : ExitCode.Failed;
    }

    private static object?[] KeptOf(IntegrityFault fault) =>
        [fault.FaultId?.ToString(CultureInfo.InvariantCulture), fault.FoundAt];

    private static Command BuildResolveFault(CommandTree tree)
    {
        var id = new Argument<string>("NUMBER") { Description = "The fault's number, from 'fa ledger integrity'" };
        id.Validators.Add(result => CommandTree.Require(
            result,
            text => text.Length is > 0 and < 19 && text.All(char.IsAsciiDigit),
            "is not a fault number such as 7"));
        var reason = new Option<string>("--reason")
        {
            Description = "What was done about the fault",
            HelpName = "TEXT",
            Required = true,
        };
        const string description = "Mark a fault as resolved; if it still exists, the next check reports it again";
        return tree.Create("resolve-fault", description, async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Text("reason", context.Value(reason));
            var path = $"ledger/faults/{context.Value(id)}/resolve";
            var answer = await context.ChangeAsync(HttpMethod.Post, path, body.ToBytes(), null, "", cancellationToken);
            return context.Print<KeptFault>(answer, fault => context.Output.Line(
                $"Resolved fault {context.Value(id)}: {fault.Kind} {Output.TextOf(fault.Id)}, "
                + $"by {Output.TextOf(fault.ResolvedBy)}."));
        }, id, reason);
    }

    private static async Task<int> SummaryAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var answer = await context.Client.GetAsync("ledger/summary", cancellationToken);
        return context.Print<LedgerSummary>(answer, summary =>
        {
            var types = summary.Types;
            var table = new TableView()
                .Text("Type").Count("Accounts").Money("Debits").Money("Credits").Money("Net").Count("Entries");
            foreach (var type in types)
                table.Row(type.Type, type.Accounts, type.Debits, type.Credits, type.Net, type.Entries);
            table.Total(
                "TOTAL",
                types.Sum(type => type.Accounts),
                types.Sum(type => type.Debits),
                types.Sum(type => type.Credits),
                types.Sum(type => type.Net),
                types.Sum(type => type.Entries));
            context.Output.Table(table, "The books are empty.");
            if (summary.Review is not { } review)
                return;
            context.Output.Line("");
            context.Output.Line(review is { Waiting: > 0, OldestAgeSeconds: { } age }
                ? $"{MoneyFormat.Count(review.Waiting)} {(review.Waiting == 1 ? "call waits" : "calls wait")} "
                    + $"for review, the oldest for {Age(age)}."
                : "Nothing waits for review.");
        });
    }

    private static string Age(long seconds) => seconds switch
    {
        < 120 => $"{seconds} s",
        < 2 * 3600 => $"{seconds / 60} min",
        < 2 * 86_400 => $"{seconds / 3600} h",
        _ => $"{MoneyFormat.Count(seconds / 86_400)} days",
    };

    private static async Task<int> HeadroomAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var answer = await context.Client.GetAsync("ledger/headroom", cancellationToken);
        return context.Print<Headroom>(answer, headroom => Show(headroom, context.Output));
    }

    private static decimal? NullIfZero(decimal cents) => cents == 0 ? null : cents;
}
