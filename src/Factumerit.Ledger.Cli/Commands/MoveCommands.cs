using System.CommandLine;
using System.Globalization;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa grant</c> and <c>fa purchase</c>: credit given to a user, and credit bought from a provider. Each request has
/// an idempotency key (R9). If the outcome is unknown, the key is printed for the retry.
/// </summary>
internal static class MoveCommands
{
    public static Command BuildGrant(CommandTree tree)
    {
        var user = Inputs.User();
        var amount = Inputs.Cents("--amount-cents", "The credit to grant, in cents", isRequired: true);
        var reason = Inputs.Text("--reason", "The reason, kept with the entry");
        var admin = Inputs.Text("--admin-id", "The admin who grants it (default: the API key's name)", "ID");
        var isNew = new Option<bool>("--new-user")
        {
            Description = "Open a budget without asking if the user does not exist yet",
        };
        var key = Inputs.IdempotencyKey();
        return tree.Create("grant", "Grant credit to a user", async (context, cancellationToken) =>
        {
            if (!context.Value(isNew))
                await RequireUserAsync(context, user, context.Value(amount)!, cancellationToken);
            using var body = new JsonBody();
            body.Text("user_id", context.Value(user))
                .Number("amount_cents", context.Value(amount))
                .Text("reason", context.Value(reason))
                .Text("admin_id", context.Value(admin));
            var answer = await PostAsync(context, "grants", body, key, cancellationToken);
            return context.Print<GrantReceipt>(answer, grant => context.Output.Line(
                $"{(answer.IsReplay ? "Already granted" : "Granted")} {Cents(context.Value(amount)!)} "
                + $"to {Output.TextOf(grant.Budget.UserId)}{(grant.UserCreated is true ? ", a new user" : "")}; "
                + $"balance {MoneyFormat.Format(grant.Budget.BalanceCents)} "
                + $"(transaction {Output.TextOf(grant.TransactionId)})."));
        }, user, amount, reason, admin, isNew, key);
    }

    // Users are never removed, only marked as deleted. If this look-up finds the user, the grant never opens a budget.
    // The grant's body doesn't depend on the look-up, so a retry always sends the same body.
    private static async Task RequireUserAsync(
        CommandContext context, Argument<string> user, string amount, CancellationToken cancellationToken)
    {
        var answer = await context.Client.TrySendAsync(
            HttpMethod.Get, context.UserPath(user), null, null, cancellationToken);
        if (answer.IsSuccess)
            return;
        var failure = answer.ToFailure();
        if (!answer.IsProblem("user-not-found"))
            throw failure;
        if (!context.Environment.StdinIsTerminal)
            throw failure.WithAdvice("Pass --new-user to open a budget.");
        await Confirmation.AskAsync(
            $"There is no user {context.Value(user)}. Open a budget and grant {Cents(amount)}?",
            context.Environment,
            cancellationToken);
    }

    public static Command BuildPurchase(CommandTree tree)
    {
        var credits = Inputs.Cents("--credits-cents", "The credit that was bought, in cents", isRequired: true);
        var tax = Inputs.Cents("--sales-tax-cents", "The sales tax paid on it, in cents");
        var provider = Inputs.Text("--provider", "The provider it was bought from (default: anthropic)", "NAME");
        var invoice = Inputs.Text("--invoice", "The invoice number");
        var key = Inputs.IdempotencyKey();
        return tree.Create("purchase", "Book credit bought from a provider", async (context, cancellationToken) =>
        {
            using var body = new JsonBody();
            body.Number("credits_cents", context.Value(credits))
                .Number("sales_tax_cents", context.Value(tax))
                .Text("provider", context.Value(provider))
                .Text("invoice", context.Value(invoice));
            var answer = await PostAsync(context, "purchases", body, key, cancellationToken);
            return context.Print<PurchaseReceipt>(answer, purchase => context.Output.Line(
                $"{(answer.IsReplay ? "Already booked" : "Booked")} a purchase of "
                + $"{MoneyFormat.Format(purchase.TotalCents)}; "
                + $"headroom {MoneyFormat.Format(purchase.Headroom.AvailableCents)} "
                + $"(transaction {Output.TextOf(purchase.TransactionId)})."));
        }, credits, tax, provider, invoice, key);
    }

    /// <summary>Posts a move under the given idempotency key, or under a new one.</summary>
    public static Task<LedgerAnswer> PostAsync(
        CommandContext context,
        string path,
        JsonBody body,
        Option<string?> keyOption,
        CancellationToken cancellationToken)
    {
        var key = context.Value(keyOption) ?? Inputs.NewKey();
        // The advice quotes a key with special characters, so the shell takes it as one word.
        var word = key.All(
            letter => char.IsAsciiLetterOrDigit(letter) || "-_.:@+=/".Contains(letter, StringComparison.Ordinal))
            ? key
            : $"'{key.Replace("'", @"'\''", StringComparison.Ordinal)}'";
        return context.ChangeAsync(
            HttpMethod.Post, path, body.ToBytes(), key, $" with --idempotency-key {word}", cancellationToken);
    }

    /// <summary>The typed amount in dollars, or as it was typed if a decimal can't hold it.</summary>
    public static string Cents(string typed) =>
        ToCents(typed) is { } cents ? MoneyFormat.Format(cents) : $"{typed} cents";

    /// <summary>The typed amount; null if there is none or a decimal can't hold it.</summary>
    public static decimal? ToCents(string? typed) =>
        decimal.TryParse(typed, NumberStyles.Float, CultureInfo.InvariantCulture, out var cents) ? cents : null;
}
