using System.CommandLine;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa write-down</c>: brings a provider's credit in the books to what the provider says is left, by an amount or to a balance.
/// </summary>
internal static class WriteDownCommand
{
    public static Command Build(CommandTree tree)
    {
        var amount = Inputs.Cents("--amount-cents", "How much was consumed");
        var actual = Inputs.Cents("--actual-balance-cents", "What the provider says is left");
        var provider = Inputs.Text("--provider", "Where (else anthropic)", "NAME");
        var reason = Inputs.Text("--reason", "Why, for the entry");
        var key = Inputs.IdempotencyKey();
        var yes = Inputs.Yes();
        var command = tree.Create("write-down", "Write down what was consumed at a provider", async (context, cancellationToken) =>
        {
            var account = $"asset:{context.Value(provider) ?? "anthropic"}";
            await context.ConfirmAsync(Question(account, context.Value(amount), context.Value(actual)), yes, cancellationToken);
            using var body = new JsonBody();
            body.Number("amount_cents", context.Value(amount))
                .Number("actual_balance_cents", context.Value(actual))
                .Text("provider", context.Value(provider))
                .Text("reason", context.Value(reason));
            var answer = await MoveCommands.PostAsync(context, "write-downs", body, key, cancellationToken);
            return context.Print(answer, LedgerJson.Default.WriteDown, done => context.Output.Line(Describe(done, account, answer.IsReplay)));
        }, amount, actual, provider, reason, key, yes);
        command.Validators.Add(result =>
        {
            if (result.GetResult(amount) is null == result.GetResult(actual) is null)
                result.AddError("Give one of --amount-cents and --actual-balance-cents.");
        });
        return command;
    }

    private static string Question(string account, string? amount, string? actual) => amount is null
        ? $"Write {account} down to {MoveCommands.Cents(actual!)}?"
        : $"Write {account} down by {MoveCommands.Cents(amount)}?";

    private static string Describe(WriteDown done, string account, bool isReplay)
    {
        var moved = done switch
        {
            { TransactionId: null } => $"Nothing to post: {account} is right",
            { AmountCents: < 0 } => $"{(isReplay ? "Already added" : "Added")} {MoneyFormat.Format(-done.AmountCents)} found above the books to {account}",
            _ => $"{(isReplay ? "Already wrote" : "Wrote")} {account} down by {MoneyFormat.Format(done.AmountCents)}",
        };
        var transaction = done.TransactionId is null ? "" : $" (transaction {Output.TextOf(done.TransactionId)})";
        return $"{moved}; headroom {MoneyFormat.Format(done.Headroom.AvailableCents)}{transaction}.";
    }
}
