using System.CommandLine;
using System.CommandLine.Parsing;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa write-down</c>: adjusts a provider's credit in the books to the provider's own balance: by an amount, to a
/// given balance, or by the cost of its usage.
/// </summary>
internal static class WriteDownCommand
{
    private const string AssetPrefix = "asset:";

    public static Command Build(CommandTree tree)
    {
        var amount = Inputs.Cents("--amount-cents", "The credit that was consumed, in cents");
        var actual = Inputs.Cents("--actual-balance-cents", "The provider's remaining balance, in cents");
        var isFromUsage = new Option<bool>("--from-usage")
        {
            Description = "Book the cost of all usage of the provider that is not written down yet",
        };
        var provider = Inputs.Text("--provider", "The provider (default: anthropic)", "NAME");
        var isForced = new Option<bool>("--force")
        {
            Description = "Book it even if the provider's account holds less, or nothing was ever bought there",
        };
        var reason = Inputs.Text("--reason", "The reason, kept with the entry");
        var key = Inputs.IdempotencyKey();
        var yes = Inputs.Yes();
        const string about = "Write a provider's credit down by what was consumed";
        var command = tree.Create("write-down", about, async (context, cancellationToken) =>
        {
            var account = $"{AssetPrefix}{context.Value(provider) ?? "anthropic"}";
            if (!context.Value(yes))
                await ConfirmAsync(context, account, context.Value(amount), context.Value(actual), cancellationToken);
            using var body = new JsonBody();
            body.Number("amount_cents", context.Value(amount))
                .Number("actual_balance_cents", context.Value(actual))
                .Flag("from_usage", context.Value(isFromUsage))
                .Text("provider", context.Value(provider))
                .Text("reason", context.Value(reason))
                .Flag("force", context.Value(isForced));
            var answer = await MoveCommands.PostAsync(context, "write-downs", body, key, cancellationToken);
            return context.Print<WriteDownReceipt>(answer, done => context.Output.Line(
                Describe(done, account, context.Value(isFromUsage), answer.IsReplay)));
        }, amount, actual, isFromUsage, provider, reason, isForced, key, yes);
        command.Validators.Add(result =>
        {
            SymbolResult?[] choices =
                [result.GetResult(amount), result.GetResult(actual), result.GetResult(isFromUsage)];
            if (choices.Count(given => given is not null) != 1)
                result.AddError("Pass exactly one of --amount-cents, --actual-balance-cents and --from-usage.");
        });
        return command;
    }

    // Warns before asking if the account holds less than the amount. The service accepts that only with --force. For a
    // given balance, the question shows the booked balance and the difference.
    private static async Task ConfirmAsync(
        CommandContext context, string account, string? amount, string? actual, CancellationToken cancellationToken)
    {
        Confirmation.RequireTerminal(context.Environment);
        var answer = await context.Client.GetAsync("ledger/headroom", cancellationToken);
        var held = answer.As<Headroom>().Providers?
            .FirstOrDefault(provider => AssetPrefix + provider.Provider == account);
        var stake = held switch
        {
            null => $"No credit was ever bought from a provider named {account[AssetPrefix.Length..]}. ",
            { BalanceCents: var cents } when MoveCommands.ToCents(amount) > cents =>
                $"{account} holds only {MoneyFormat.Format(cents)}. ",
            _ => "",
        };
        await Confirmation.RequireAsync(
            stake + Question(account, amount, actual, held?.BalanceCents ?? 0),
            isGiven: false,
            context.Environment,
            cancellationToken);
    }

    private static string Question(string account, string? amount, string? actual, decimal booked) =>
        (amount, actual) switch
        {
            (not null, _) => $"Write {account} down by {MoveCommands.Cents(amount)}?",
            (_, not null) => $"{account} holds {MoneyFormat.Format(booked)} on the books. "
                + QuestionOfBalance(actual, booked),
            _ => $"Write {account} down by the cost of all usage that is not written down yet?",
        };

    private static string QuestionOfBalance(string actual, decimal booked)
    {
        var balance = MoveCommands.Cents(actual);
        // The service refuses an amount that a decimal can't hold.
        if (MoveCommands.ToCents(actual) is not { } cents || Math.Abs(cents) > decimal.MaxValue / 4)
            return $"Set it to {balance}?";
        return cents.CompareTo(booked) switch
        {
            < 0 => $"Write it down by {MoneyFormat.Format(booked - cents)} to {balance}?",
            > 0 => $"Write it up by {MoneyFormat.Format(cents - booked)} to {balance}?",
            _ => $"Set it to {balance} (no change)?",
        };
    }

    private static string Describe(WriteDownReceipt done, string account, bool isFromUsage, bool isReplay)
    {
        var moved = done switch
        {
            { TransactionId: null } when isFromUsage =>
                $"Nothing to post: no usage of {account[AssetPrefix.Length..]} is left to write down",
            { TransactionId: null } => $"Nothing to post: the balance of {account} does not change",
            { AmountCents: < 0 } =>
                $"{(isReplay ? "Already wrote" : "Wrote")} {account} up by {MoneyFormat.Format(-done.AmountCents)}",
            _ => $"{(isReplay ? "Already wrote" : "Wrote")} {account} down by {MoneyFormat.Format(done.AmountCents)}",
        };
        var transaction = done.TransactionId is null ? "" : $" (transaction {Output.TextOf(done.TransactionId)})";
        return $"{moved}; headroom {MoneyFormat.Format(done.Headroom.AvailableCents)}{transaction}.";
    }
}
