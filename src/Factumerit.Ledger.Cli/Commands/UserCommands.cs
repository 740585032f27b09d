using System.CommandLine;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa user</c>: users and their credit. A second signup (R7) or a second deletion (R11) changes nothing.
/// </summary>
internal static class UserCommands
{
    public static Command Build(CommandTree tree) => new("user", "Manage users and their credit")
    {
        BuildCreate(tree),
        BuildShow(tree),
        BuildList(tree),
        BuildDelete(tree),
    };

    /// <summary>Prints a budget for people.</summary>
    public static void Show(Budget budget, Output output) => output.Properties(
        ("User", budget.UserId),
        ("Balance", budget.BalanceCents),
        ("Held", budget.HeldCents),
        ("Available", budget.AvailableCents),
        ("Spent", budget.TotalSpentCents),
        ("Added", budget.TotalAddedCents),
        ("Has credit", budget.HasCredit),
        ("Promo expires", budget.PromoExpiresAt),
        ("Signed up", budget.SignedUpAt),
        ("Created", budget.CreatedAt),
        ("Updated", budget.UpdatedAt),
        ("Deleted", budget.DeletedAt));

    private static Command BuildCreate(CommandTree tree)
    {
        var user = Inputs.User();
        var credit = Inputs.Cents("--initial-credit-cents", "Signup credit in cents, at most the headroom");
        var ttl = Inputs.Number("--promo-ttl-days", "Days until the signup credit counts as expired");
        var isOverridden = new Option<bool>("--override-headroom-check")
        {
            Description = "Give the signup credit without checking the headroom; for tests",
        };
        return tree.Create("create", "Sign up a user", async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Text("user_id", context.Value(user))
                .Number("initial_credit_cents", context.Value(credit))
                .Number("promo_ttl_days", context.Value(ttl))
                .Flag("override_headroom_check", context.Value(isOverridden));
            var answer = await context.ChangeAsync(
                HttpMethod.Post, "users", body.ToBytes(), null, "", cancellationToken);
            return context.Print<Budget>(answer, budget =>
            {
                context.Output.Line(Tell(budget, answer.Status == System.Net.HttpStatusCode.Created));
                Show(budget, context.Output);
            });
        }, user, credit, ttl, isOverridden);
    }

    private static string Tell(Budget budget, bool isFirst) => (isFirst, budget.SignedUpAt > budget.CreatedAt) switch
    {
        (false, _) => $"{Output.TextOf(budget.UserId)} already exists; nothing changed.",
        // A call or a grant had already opened the budget.
        (true, true) => $"Signed up {Output.TextOf(budget.UserId)}.",
        _ => $"Created {Output.TextOf(budget.UserId)}.",
    };

    private static Command BuildShow(CommandTree tree)
    {
        var user = Inputs.User();
        return tree.Create("show", "Show a user's budget", async (context, cancellationToken) =>
        {
            var answer = await context.Client.GetAsync(context.UserPath(user), cancellationToken);
            return context.Print<Budget>(answer, budget => Show(budget, context.Output));
        }, user);
    }

    private static Command BuildList(CommandTree tree)
    {
        var prefix = Inputs.Text("--prefix", "Only users whose id begins with this text, for example vikunja:");
        return tree.Create("list", "List all users with their budgets", (context, cancellationToken) =>
        {
            var path = context.Value(prefix) is { } begin ? $"users?prefix={Uri.EscapeDataString(begin)}" : "users";
            var items = context.Client.ItemsAsync(path, LedgerList.Users, int.MaxValue, cancellationToken);
            var table = new TableView()
                .Text("User").Money("Balance").Money("Held").Money("Spent").Money("Added")
                .Text("Created").Text("Deleted");
            return context.PrintListAsync<Budget>(
                items, table, whenEmpty: "No users.", addRow: budget => table.Row(
                    budget.UserId,
                    budget.BalanceCents,
                    budget.HeldCents,
                    budget.TotalSpentCents,
                    budget.TotalAddedCents,
                    budget.CreatedAt,
                    budget.DeletedAt));
        }, prefix);
    }

    private static Command BuildDelete(CommandTree tree)
    {
        var user = Inputs.User();
        var yes = Inputs.Yes();
        const string about = "Delete a user: forfeit the remaining credit, or write off the debt";
        return tree.Create("delete", about, async (context, cancellationToken) =>
        {
            if (!context.Value(yes))
                await ConfirmDeletionAsync(context, user, cancellationToken);
            var answer = await context.ChangeAsync(
                HttpMethod.Delete, context.UserPath(user), null, null, "", cancellationToken);
            return context.Print<Deletion>(answer, deletion =>
                context.Output.Line(Describe(deletion)));
        }, user, yes);
    }

    // Shows what will be forfeited or written off before it asks.
    private static async Task ConfirmDeletionAsync(
        CommandContext context, Argument<string> user, CancellationToken cancellationToken)
    {
        Confirmation.RequireTerminal(context.Environment);
        var answer = await context.Client.GetAsync(context.UserPath(user), cancellationToken);
        var budget = answer.As<Budget>();
        var stake = budget switch
        {
            { DeletedAt: not null } => "is already deleted and has no credit left.",
            { BalanceCents: > 0 } => $"has {MoneyFormat.Format(budget.BalanceCents)} left, which will be forfeited.",
            { BalanceCents: < 0 } => $"owes {MoneyFormat.Format(-budget.BalanceCents)}, which will be written off.",
            _ => "has no credit left.",
        };
        await Confirmation.RequireAsync(
            $"{budget.UserId} {stake} Delete {budget.UserId}?", isGiven: false, context.Environment, cancellationToken);
    }

    private static string Describe(Deletion deletion)
    {
        var moved = deletion switch
        {
            { ForfeitedCents: > 0 } => $"{MoneyFormat.Format(deletion.ForfeitedCents)} forfeited",
            { WrittenOffCents: > 0 } => $"{MoneyFormat.Format(deletion.WrittenOffCents)} written off",
            _ => "no credit was left",
        };
        var transaction = deletion.TransactionId is { } id ? $" (transaction {Output.TextOf(id)})" : "";
        return $"Deleted {Output.TextOf(deletion.UserId)}: {moved}{transaction}.";
    }
}
