using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa api-key</c>: the keys of the service's callers and their rights. A secret is shown only once, when it is made.
/// </summary>
internal static class ApiKeyCommands
{
    public static Command Build(CommandTree tree) => new("api-key", "Manage the service's API keys")
    {
        BuildCreate(tree),
        tree.Create("list", "List all keys, without their secrets", ListAsync),
        BuildRotate(tree),
        BuildRevoke(tree),
    };

    private static Command BuildCreate(CommandTree tree)
    {
        var name = new Option<string>("--name")
        {
            Description = "What the key is for",
            HelpName = "NAME",
            Required = true,
        };
        var role = Inputs.Choice("--role", "The key's role", "ROLE", "bot", "ops", "admin");
        role.Required = true;
        var prefix = Inputs.Text(
            "--user-prefix",
            "Limits the key to some users: vikunja: to ids that begin with vikunja:, vik to vik and vik:..., "
            + "vik* to all ids that begin with vik",
            "PREFIX");
        var overdraw = new Option<bool>("--may-overdraw")
        {
            Description = "Allow the key to record calls that are already paid for when a balance is used up",
        };
        var intake = new Option<bool>("--may-intake")
        {
            Description = "Allow the key to send in calls from LiteLLM, which may take balances below 0",
        };
        var expires = Expiry("When the key expires, for example 2030-01-31T12:00:00Z (default: never)");
        return tree.Create("create", "Create a key", async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Text("name", context.Value(name)).Text("role", context.Value(role))
                .Text("user_prefix", context.Value(prefix)).Flag("may_overdraw", context.Value(overdraw))
                .Flag("may_intake", context.Value(intake)).Text("expires_at", context.Value(expires));
            var answer = await context.Client.SendAsync(
                HttpMethod.Post, "api-keys", body.ToBytes(), null, cancellationToken);
            return context.Print<ApiKeyAnswer>(answer, key => ShowSecret(context, key));
        }, name, role, prefix, overdraw, intake, expires);
    }

    private static void ShowSecret(CommandContext context, ApiKeyAnswer key)
    {
        context.Output.Properties(
            ("Id", key.Id), ("Name", key.Name), ("Role", key.Role), ("User prefix", key.UserPrefix),
            ("May overdraw", key.MayOverdraw), ("May intake", key.MayIntake), ("Expires", key.ExpiresAt),
            ("Secret", key.Secret));
        if (key.OldSecretEndsAt is { } end)
            context.Output.Line($"The previous secret works until {Output.TextOf(end)}.");
        context.Output.Line("Keep the secret now: it is not shown again.");
    }

    private static async Task<int> ListAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var warnings = new List<string>();
        // The service returns all keys on one page.
        var answer = await context.Client.GetAsync("api-keys", cancellationToken);
        var items = LedgerList.ApiKeys.ItemsOf(answer.As<JsonElement>(), answer).ToAsyncEnumerable();
        var table = new TableView().Text("Id").Text("Name").Text("Role").Text("User prefix").Text("Overdraws")
            .Text("Intake").Text("Key").Text("Made by").Text("Created").Text("Last used")
            .Text("Expires").Text("Revoked");
        await context.PrintListAsync<ApiKeyAnswer>(items, table, whenEmpty: "No keys.", addRow: key =>
        {
            table.Row(
                key.Id, key.Name, key.Role, key.UserPrefix, key.MayOverdraw, key.MayIntake,
                key.KeyPrefix, key.MadeBy?.Name, key.CreatedAt, key.LastUsedAt, key.ExpiresAt, key.RevokedAt);
            if (Warn(key) is { } warning)
                warnings.Add(warning);
        });
        warnings.ForEach(context.Output.Line);
        return ExitCode.Done;
    }

    // Keys created before prefixes had a boundary and intake had a flag keep their old rights.
    private static string? Warn(ApiKeyAnswer key)
    {
        if (key is not { RevokedAt: null, MadeBy: null })
            return null;
        var grants = new List<string>();
        if (key.UserPrefix is [.. var start, '*'])
            grants.Add($"has access to every user whose id begins with {Output.TextOf(start)}");
        if (key is { MayIntake: true, Role: not "admin" })
            grants.Add("may send in calls from LiteLLM");
        return grants.Count == 0 ? null
            : $"Warning: the key {Output.TextOf(key.Name)} ({Output.TextOf(key.Id)}) is from before an "
                + $"upgrade and {string.Join(" and ", grants)}. Replace it if it does not need that.";
    }

    private static Command BuildRotate(CommandTree tree)
    {
        var id = KeyId();
        var overlap = Inputs.Text(
            "--overlap-seconds",
            "How long the previous secret still works, at most 604800 seconds (default: 86400)",
            "SECONDS");
        overlap.Validators.Add(result => CommandTree.Require(result, IsWhole, "is not a whole number of seconds"));
        var expires = Expiry("When the key expires (default: unchanged)");
        var yes = Inputs.Yes();
        return tree.Create("rotate", "Give a key a new secret", async (context, cancellationToken) =>
        {
            await context.ConfirmAsync($"Give the key {context.Value(id)} a new secret?", yes, cancellationToken);
            using var body = new JsonBody();
            body.Number("overlap_seconds", context.Value(overlap)).Text("expires_at", context.Value(expires));
            var path = $"api-keys/{Uri.EscapeDataString(context.Value(id))}/rotate";
            var answer = await context.Client.SendAsync(HttpMethod.Post, path, body.ToBytes(), null, cancellationToken);
            return context.Print<ApiKeyAnswer>(answer, key => ShowSecret(context, key));
        }, id, overlap, expires, yes);
    }

    private static bool IsWhole(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static Option<string?> Expiry(string description) => Inputs.Text("--expires-at", description, "TIME");

    private static Argument<string> KeyId()
    {
        var id = new Argument<string>("ID") { Description = "The key's id, from 'fa api-key list'" };
        id.Validators.Add(result => CommandTree.Require(
            result, text => Guid.TryParseExact(text, "D", out _), "is not a key id from 'fa api-key list'"));
        return id;
    }

    private static Command BuildRevoke(CommandTree tree)
    {
        var id = KeyId();
        var yes = Inputs.Yes();
        return tree.Create("revoke", "Revoke a key", async (context, cancellationToken) =>
        {
            await context.ConfirmAsync($"Revoke the key {context.Value(id)}?", yes, cancellationToken);
            var path = $"api-keys/{Uri.EscapeDataString(context.Value(id))}";
            var answer = await context.ChangeAsync(HttpMethod.Delete, path, null, null, "", cancellationToken);
            return context.Print<ApiKeyAnswer>(answer, key => context.Output.Line(
                $"Revoked the key {Output.TextOf(key.Name)} ({Output.TextOf(key.Id)})."));
        }, id, yes);
    }
}
