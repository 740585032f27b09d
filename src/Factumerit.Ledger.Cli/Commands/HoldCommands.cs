using System.CommandLine;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary><c>fa hold</c>: credit set aside for calls that are about to be made.</summary>
internal static class HoldCommands
{
    private static readonly string[] States = ["open", "settled", "released", "expired"];

    public static Command Build(CommandTree tree) => new("hold", "Set credit aside before calls")
    {
        BuildPlace(tree),
        BuildShow(tree),
        BuildList(tree),
        BuildIncrease(tree),
        BuildRelease(tree),
    };

    /// <summary>The options of a usage that settles a hold.</summary>
    public static (Option<string?> Hold, Option<bool> StaysOpen) OfUsage() => (
        Inputs.Text("--hold", "The hold that the call settles, from 'fa hold place'", "HOLD"),
        new Option<bool>("--keep-hold-open")
        {
            Description = "Only take the price from the hold, and leave the rest of it set aside",
        });

    private static Command BuildPlace(CommandTree tree)
    {
        var user = Inputs.User();
        var amount = Inputs.Cents(
            "--amount-cents", "The credit to set aside, in cents (default: the price of the tokens)");
        var model = Inputs.Text("--model", "The model that will be called", "MODEL");
        var promptTokens = Inputs.Number("--prompt-tokens", "Number of input tokens");
        var completionTokens = Inputs.Number("--max-completion-tokens", "The most output tokens");
        var seconds = Inputs.Number("--expires-in-seconds", "Seconds until it expires, 10 to 86400 (default: 600)");
        var isPartial = new Option<bool>("--partial")
        {
            Description = "If less credit is available, set aside what there is",
        };
        var externalId = Inputs.Text(
            "--external-id", "Your own id of the hold, unique among the user's open holds", "ID");
        var description = Inputs.Text("--description", "A text that is kept with the hold");
        var key = Inputs.IdempotencyKey();
        return tree.Create("place", "Set credit aside", async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Text("user_id", context.Value(user))
                .Number("amount_cents", context.Value(amount))
                .Text("model", context.Value(model))
                .Number("prompt_tokens", context.Value(promptTokens))
                .Number("max_completion_tokens", context.Value(completionTokens))
                .Number("expires_in_seconds", context.Value(seconds))
                .Flag("partial", context.Value(isPartial))
                .Text("external_id", context.Value(externalId))
                .Text("description", context.Value(description));
            var answer = await MoveCommands.PostAsync(context, "holds", body, key, cancellationToken);
            return context.Print<HoldAnswer>(answer, hold => context.Output.Line(
                $"{(answer.IsReplay ? "Already holds" : "Holds")} {MoneyFormat.Format(hold.HeldCents)} of "
                + $"{Output.TextOf(hold.UserId)}"
                + (hold.IsPartial ? $", less than the {MoneyFormat.Format(hold.RequestedCents)} asked for" : "")
                + $", until {Output.TextOf(hold.ExpiresAt)}; available {MoneyFormat.Format(hold.AvailableCents)} "
                + $"(hold {hold.HoldId})."));
        }, user, amount, model, promptTokens, completionTokens, seconds, isPartial, externalId, description, key);
    }

    private static Command BuildShow(CommandTree tree)
    {
        var id = Id();
        return tree.Create("show", "Show a hold", async (context, cancellationToken) =>
        {
            var answer = await context.Client.GetAsync($"holds/{context.Value(id)}", cancellationToken);
            return context.Print<HoldAnswer>(answer, hold => context.Output.Properties(
                ("Hold", hold.HoldId),
                ("User", hold.UserId),
                ("State", hold.State),
                ("Requested", hold.RequestedCents),
                ("Held", hold.HeldCents),
                ("Settled", hold.SettledCents),
                ("Balance", hold.BalanceCents),
                ("Available", hold.AvailableCents),
                ("Partial", hold.IsPartial),
                ("Model", hold.Model),
                ("External id", hold.ExternalId),
                ("Created", hold.CreatedAt),
                ("Expires", hold.ExpiresAt),
                ("Closed", hold.ClosedAt)));
        }, id);
    }

    private static Command BuildList(CommandTree tree)
    {
        var user = Inputs.Text("--user", "Only holds of this user", "USER");
        var state = Inputs.Choice("--state", "Only holds in this state", "STATE", States);
        return tree.Create("list", "List holds in the order in which they were placed", (context, cancellationToken) =>
        {
            var query = string.Join('&', new[] { ("user_id", context.Value(user)), ("state", context.Value(state)) }
                .Where(parameter => parameter.Item2 is not null)
                .Select(parameter => $"{parameter.Item1}={Uri.EscapeDataString(parameter.Item2!)}"));
            var items = context.Client.ItemsAsync(
                query.Length == 0 ? "holds" : $"holds?{query}", LedgerList.Holds, int.MaxValue, cancellationToken);
            var table = new TableView()
                .Text("Hold").Text("User").Text("State").Money("Requested").Money("Held").Money("Settled")
                .Text("Created").Text("Expires");
            return context.PrintListAsync<HoldAnswer>(
                items, table, whenEmpty: "No holds.", addRow: hold => table.Row(
                    hold.HoldId,
                    hold.UserId,
                    hold.State,
                    hold.RequestedCents,
                    hold.HeldCents,
                    hold.SettledCents,
                    hold.CreatedAt,
                    hold.ExpiresAt));
        }, user, state);
    }

    private static Command BuildIncrease(CommandTree tree)
    {
        var id = Id();
        var amount = Inputs.Cents("--amount-cents", "The credit to add, in cents");
        var seconds = Inputs.Number(
            "--expires-in-seconds", "Seconds from now until it expires, 10 to 86400; never shortens it");
        var key = Inputs.IdempotencyKey();
        var command = tree.Create("increase", "Add credit or time to a hold", async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Number("amount_cents", context.Value(amount)).Number("expires_in_seconds", context.Value(seconds));
            var answer = await MoveCommands.PostAsync(
                context, $"holds/{context.Value(id)}/increase", body, key, cancellationToken);
            return context.Print<HoldAnswer>(answer, hold => context.Output.Line(
                $"{(answer.IsReplay ? "Already holds" : "Holds")} {MoneyFormat.Format(hold.HeldCents)} of "
                + $"{Output.TextOf(hold.UserId)}, until {Output.TextOf(hold.ExpiresAt)}; "
                + $"available {MoneyFormat.Format(hold.AvailableCents)}."));
        }, id, amount, seconds, key);
        command.Validators.Add(result =>
        {
            if (result.GetResult(amount) is null && result.GetResult(seconds) is null)
                result.AddError("Pass --amount-cents, --expires-in-seconds or both.");
        });
        return command;
    }

    private static Command BuildRelease(CommandTree tree)
    {
        var id = Id();
        var reason = Inputs.Text("--reason", "The reason, kept with the hold");
        return tree.Create("release", "Give the credit of a hold back", async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Text("reason", context.Value(reason));
            var answer = await context.ChangeAsync(
                HttpMethod.Post, $"holds/{context.Value(id)}/release", body.ToBytes(), null, "", cancellationToken);
            return context.Print<HoldAnswer>(answer, hold => context.Output.Line(
                $"Released the hold of {Output.TextOf(hold.UserId)}; "
                + $"available {MoneyFormat.Format(hold.AvailableCents)}."));
        }, id, reason);
    }

    private static Argument<string> Id()
    {
        var id = new Argument<string>("HOLD") { Description = "The hold's id, from 'fa hold list'" };
        id.Validators.Add(result => CommandTree.Require(
            result, text => Guid.TryParse(text, out _), "is not a hold id from 'fa hold list'"));
        return id;
    }
}
