using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa review</c>: the calls that wait for a price. A decision about a call is final (R16), so billing and waiving
/// ask first.
/// </summary>
internal static class ReviewCommands
{
    public static Command Build(CommandTree tree) => new("review", "Decide on calls that wait for a price")
    {
        BuildList(tree),
        BuildBill(tree),
        BuildWaive(tree),
        BuildReprice(tree),
    };

    private static Command BuildList(CommandTree tree)
    {
        var user = Inputs.Text("--user", "Only calls of this user", "USER");
        var model = Inputs.Text("--model", "Only calls of this model", "MODEL");
        var from = Inputs.Text("--from", "Only calls at this time or later, for example 2026-01-31", "TIME");
        var to = Inputs.Text("--to", "Only calls before this time", "TIME");
        return tree.Create("list", "List all calls that wait for review, newest first", (context, cancellationToken) =>
        {
            var path = "usage?billing_status=needs_review"
                + Query("user_id", context.Value(user))
                + Query("model", context.Value(model))
                + Query("from", context.Value(from))
                + Query("to", context.Value(to));
            var items = context.Client.ItemsAsync(path, LedgerList.Usages, int.MaxValue, cancellationToken);
            var table = new TableView()
                .Text("Usage").Text("Reason").Text("User").Text("Model").Count("In").Count("Out")
                .Money("Cost").Text("Occurred").Text("Payer hint");
            const string whenEmpty = "Nothing waits for review.";
            return context.PrintListAsync<UsageDetail>(
                items, table, whenEmpty: whenEmpty, addRow: usage => table.Row(
                    usage.UsageId,
                    usage.ReviewReason,
                    usage.UserId,
                    usage.Model,
                    usage.PromptTokens,
                    usage.CompletionTokens,
                    usage.ProviderCostUsd * 100,
                    usage.OccurredAt,
                    HintOf(usage.PayerHint) ?? ""));
        }, user, model, from, to);
    }

    // All values that may identify the payer to a person who knows the users.
    private static string? HintOf(JsonElement? hint)
    {
        if (hint is not { ValueKind: JsonValueKind.Object } fields)
            return null;
        (string Name, string? Value)[] parts =
        [
            ("user", ValueOf("user_id")),
            ("e-mail", ValueOf("email")),
            ("end user", ValueOf("end_user")),
            ("key", ValueOf("key_alias")),
            ("hash", ValueOf("key_hash")),
        ];
        return string.Join(", ", parts
            .Where(part => part.Value is not null)
            .Select(part => $"{part.Name} {Output.TextOf(part.Value)}"));

        string? ValueOf(string name) =>
            fields.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
                ? value.ToString()
                : null;
    }

    private static Command BuildBill(CommandTree tree)
    {
        var usage = UsageId();
        var amount = Inputs.Cents(
            "--amount-cents", "What the user pays, in cents (default: calculated from the cost or the tokens)");
        var cost = Inputs.Usd(
            "--cost-usd", "What the provider charged, if not known yet; the user pays it times the markup");
        var user = Inputs.Text("--user", "The user who pays, if not known yet", "USER");
        var key = Inputs.IdempotencyKey();
        var yes = Inputs.Yes();
        const string about = "Charge a call to its user";
        var command = tree.Create("bill", about, async (context, cancellationToken) =>
        {
            var question = Question(
                context.Value(usage), context.Value(amount), context.Value(cost), context.Value(user));
            await context.ConfirmAsync(question, yes, cancellationToken);
            using var body = new JsonBody();
            body.Number("amount_cents", context.Value(amount))
                .Number("provider_cost_usd", context.Value(cost))
                .Text("user_id", context.Value(user));
            var path = $"usage/{context.Value(usage)}/bill";
            var answer = await MoveCommands.PostAsync(context, path, body, key, cancellationToken);
            return context.Print<UsageDetail>(answer, billed => context.Output.Line(
                $"{(answer.IsReplay ? "Already billed" : "Billed")} {MoneyFormat.Format(billed.AmountCents ?? 0)} "
                + $"to {Output.TextOf(billed.UserId)} (request {Output.TextOf(billed.RequestId)}); "
                + $"balance {MoneyFormat.Format(billed.BalanceCents)}."));
        }, usage, amount, cost, user, key, yes);
        command.Validators.Add(result =>
        {
            if (result.GetResult(amount) is not null && result.GetResult(cost) is not null)
                result.AddError("Pass at most one of --amount-cents and --cost-usd.");
        });
        return command;
    }

    private static Command BuildWaive(CommandTree tree)
    {
        var usage = UsageId();
        var reason = new Option<string>("--reason")
        {
            Description = "Why nobody has to pay",
            HelpName = "TEXT",
            Required = true,
        };
        var key = Inputs.IdempotencyKey();
        var yes = Inputs.Yes();
        return tree.Create("waive", "Waive a call: nobody has to pay for it", async (context, cancellationToken) =>
        {
            await context.ConfirmAsync(
                $"Waive {context.Value(usage)}, so that nobody has to pay for it?", yes, cancellationToken);
            using var body = new JsonBody();
            body.Text("reason", context.Value(reason));
            var path = $"usage/{context.Value(usage)}/waive";
            var answer = await MoveCommands.PostAsync(context, path, body, key, cancellationToken);
            return context.Print<UsageDetail>(answer, waived => context.Output.Line(
                $"{(answer.IsReplay ? "Already waived" : "Waived")} {Output.TextOf(waived.UsageId)} "
                + $"(request {Output.TextOf(waived.RequestId)}); no money moved."));
        }, usage, reason, key, yes);
    }

    private static Command BuildReprice(CommandTree tree)
    {
        var user = Inputs.Text("--user", "Only calls of this user", "USER");
        var model = Inputs.Text("--model", "Only calls of this model", "MODEL");
        var yes = Inputs.Yes();
        const string about =
            "Price the waiting calls again and bill those that now have a price; billed calls stay as they are";
        return tree.Create("reprice", about, async (context, cancellationToken) =>
        {
            var ofUser = context.Value(user) is { } userId ? $" of {userId}" : "";
            var ofModel = context.Value(model) is { } name ? $" of the model {name}" : "";
            await context.ConfirmAsync(
                $"Bill all waiting calls{ofUser}{ofModel} that can be priced now?", yes, cancellationToken);
            using var body = new JsonBody();
            body.Text("model", context.Value(model)).Text("user_id", context.Value(user));
            var answer = await context.ChangeAsync(
                HttpMethod.Post, "usage/reprice", body.ToBytes(), null, "", cancellationToken);
            return context.Print<Repricing>(answer, done => context.Output.Line(
                $"Billed {Calls(done.Billed)} for {MoneyFormat.Format(done.AmountCents)}; "
                + $"{Calls(done.Waiting)} still {(done.Waiting == 1 ? "waits" : "wait")} for review."));
        }, user, model, yes);
    }

    private static Argument<string> UsageId()
    {
        var usage = new Argument<string>("USAGE") { Description = "The usage's id, from 'fa review list'" };
        usage.Validators.Add(result => CommandTree.Require(
            result, id => Guid.TryParseExact(id, "D", out _), "is not a usage id from 'fa review list'"));
        return usage;
    }

    private static string Query(string name, string? value) =>
        value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";

    private static string Question(string usage, string? amount, string? cost, string? user) =>
        $"Bill {usage}{(user is null ? "" : $" to {user}")}{(amount, cost) switch
        {
            ({ }, _) => $" at {MoveCommands.Cents(amount)}",
            (_, { }) => $" at a cost of ${cost}",
            _ => "",
        }}?";

    private static string Calls(long count) =>
        count == 1 ? "1 call" : string.Create(CultureInfo.InvariantCulture, $"{count:#,##0} calls");
}
