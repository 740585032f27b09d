using System.CommandLine;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa api-key</c>: who may speak to the service, and as what. A secret is shown once, when its key is made.
/// </summary>
internal static class ApiKeyCommands
{
    public static Command Build(CommandTree tree) => new("api-key", "Who may speak to the service")
    {
        BuildCreate(tree),
        tree.Create("list", "All keys, without their secrets", ListAsync),
        BuildRevoke(tree),
    };

    private static Command BuildCreate(CommandTree tree)
    {
        var name = new Option<string>("--name") { Description = "What the key is for", HelpName = "NAME", Required = true };
        var role = Inputs.Choice("--role", "What it may do", "ROLE", "bot", "ops", "admin");
        role.Required = true;
        var prefix = Inputs.Text("--user-prefix", "The only users that it may touch, for example vikunja:", "PREFIX");
        var overdraw = new Option<bool>("--may-overdraw") { Description = "Let it record calls that are paid for already when a balance is used up" };
        return tree.Create("create", "Make a key", async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Text("name", context.Value(name)).Text("role", context.Value(role)).Text("user_prefix", context.Value(prefix))
                .Flag("may_overdraw", context.Value(overdraw));
            var answer = await context.Client.SendAsync(HttpMethod.Post, "api-keys", body.ToBytes(), null, cancellationToken);
            return context.Print(answer, LedgerJson.Default.ApiKey, key =>
            {
                context.Output.Properties(
                    ("Id", key.Id.ToString()), ("Name", key.Name), ("Role", key.Role), ("User prefix", key.UserPrefix),
                    ("May overdraw", key.MayOverdraw), ("Secret", key.Secret));
                context.Output.Line("Keep the secret now: it is not shown again.");
            });
        }, name, role, prefix, overdraw);
    }

    private static async Task<int> ListAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var answer = await context.Client.GetAsync("api-keys", cancellationToken);
        return context.Print(answer, LedgerJson.Default.ApiKeys, list =>
        {
            var table = new TableView().Text("Id").Text("Name").Text("Role").Text("User prefix").Text("Overdraws").Text("Key").Text("Created").Text("Revoked");
            foreach (var key in list.Keys)
                table.Row(key.Id.ToString(), key.Name, key.Role, key.UserPrefix, key.MayOverdraw, key.KeyPrefix, key.CreatedAt, key.RevokedAt);
            context.Output.Table(table, "No keys.");
        });
    }

    private static Command BuildRevoke(CommandTree tree)
    {
        var id = new Argument<string>("ID") { Description = "The key's id, from 'fa api-key list'" };
        id.Validators.Add(result => CommandTree.Require(result, text => text is not ("" or "." or ".."), "is not a key's id"));
        var yes = Inputs.Yes();
        return tree.Create("revoke", "End a key", async (context, cancellationToken) =>
        {
            await context.ConfirmAsync($"Revoke the key {context.Value(id)}?", yes, cancellationToken);
            var path = $"api-keys/{Uri.EscapeDataString(context.Value(id))}";
            var answer = await context.ChangeAsync(HttpMethod.Delete, path, null, null, "", cancellationToken);
            return context.Print(answer, LedgerJson.Default.ApiKey, key =>
                context.Output.Line($"Revoked the key {Output.TextOf(key.Name)} ({Output.TextOf(key.Id.ToString())})."));
        }, id, yes);
    }
}
