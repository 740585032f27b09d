using System.CommandLine;
using System.Globalization;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa virtual-key</c>: users' keys at LiteLLM. A secret is shown only once, when its key is made.
/// </summary>
internal static class VirtualKeyCommands
{
    public static Command Build(CommandTree tree) => new("virtual-key", "Manage users' keys at LiteLLM")
    {
        BuildCreate(tree),
        BuildList(tree),
        BuildRevoke(tree),
    };

    private static Command BuildCreate(CommandTree tree)
    {
        var user = Inputs.User();
        var label = new Option<string>("--label")
        {
            Description = "What the key is for",
            HelpName = "TEXT",
            Required = true,
        };
        var models = new Option<string[]>("--model")
        {
            Description = "A model that the key may call; repeat the option for more (default: all)",
            HelpName = "MODEL",
        };
        var budget = Inputs.Usd(
            "--max-budget-usd", "LiteLLM's spending limit for the key, besides the user's credit (default: none)");
        var expires = Inputs.Text(
            "--expires-at", "When the key expires, for example 2030-01-31T12:00:00Z (default: never)", "TIME");
        return tree.Create("create", "Create a key", async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Text("user_id", context.Value(user))
                .Text("label", context.Value(label))
                .Texts("models", context.Value(models))
                .Number("max_budget_usd", context.Value(budget))
                .Text("expires_at", context.Value(expires));
            var answer = await context.Client.SendAsync(
                HttpMethod.Post, "virtual-keys", body.ToBytes(), null, cancellationToken);
            return context.Print<VirtualKeyAnswer>(answer, key =>
            {
                context.Output.Properties(
                    ("Id", key.VirtualKeyId), ("User", key.UserId), ("Label", key.Label), ("Alias", key.Alias),
                    ("Status", StateOf(key)), ("Secret", key.Secret));
                context.Output.Line("Keep the secret now: it is not shown again.");
            });
        }, user, label, models, budget, expires);
    }

    private static Command BuildList(CommandTree tree)
    {
        var user = Inputs.Text("--user", "Only the keys of this user", "USER");
        return tree.Create("list", "List all keys, without their secrets", (context, cancellationToken) =>
        {
            var path = context.Value(user) is { } id
                ? $"virtual-keys?user_id={Uri.EscapeDataString(id)}"
                : "virtual-keys";
            var items = context.Client.ItemsAsync(path, LedgerList.VirtualKeys, int.MaxValue, cancellationToken);
            var table = new TableView()
                .Text("Id").Text("User").Text("Label").Text("Key").Text("Status").Text("Pending")
                .Text("Created").Text("Expires");
            return context.PrintListAsync<VirtualKeyAnswer>(
                items, table, whenEmpty: "No keys.", addRow: key => table.Row(
                    key.VirtualKeyId,
                    key.UserId,
                    key.Label,
                    key.KeyName,
                    StateOf(key),
                    PendingOf(key),
                    key.CreatedAt,
                    key.ExpiresAt));
        }, user);
    }

    private static Command BuildRevoke(CommandTree tree)
    {
        var id = new Argument<string>("ID") { Description = "The key's id, from 'fa virtual-key list'" };
        id.Validators.Add(result => CommandTree.Require(
            result, text => Guid.TryParse(text, out _), "is not a key id from 'fa virtual-key list'"));
        var yes = Inputs.Yes();
        return tree.Create("revoke", "Revoke a key", async (context, cancellationToken) =>
        {
            await context.ConfirmAsync($"Revoke the key {context.Value(id)}?", yes, cancellationToken);
            var answer = await context.ChangeAsync(
                HttpMethod.Delete, $"virtual-keys/{context.Value(id)}", null, null, "", cancellationToken);
            return context.Print<VirtualKeyAnswer>(answer, key => context.Output.Line(
                key.Status == "revoking"
                    ? $"Revoked the key {Output.TextOf(key.Label)} of {Output.TextOf(key.UserId)}; "
                        + "LiteLLM has not deleted it yet."
                    : $"The key {Output.TextOf(key.Label)} of {Output.TextOf(key.UserId)} "
                        + $"is {Output.TextOf(key.Status)}."));
        }, id, yes);
    }

    private static string StateOf(VirtualKeyAnswer key) =>
        key is { Status: "active", IsBlocked: true } ? "blocked" : key.Status;

    private static string? PendingOf(VirtualKeyAnswer key) =>
        key.Pending is not { } pending ? null
        : pending.Attempts == 0 ? pending.Action
        : $"{pending.Action}, {pending.Attempts.ToString(CultureInfo.InvariantCulture)} "
            + $"{(pending.Attempts == 1 ? "attempt" : "attempts")}: {pending.LastError ?? "no answer yet"}";
}
