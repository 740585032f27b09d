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
            var name = context.Value(provider) ?? "anthropic";
            if (!context.Value(yes))
                await ConfirmAsync(context, name, context.Value(amount), context.Value(actual), cancellationToken);
            using var body = new JsonBody();
            body.Number("amount_cents", context.Value(amount))
                .Number("actual_balance_cents", context.Value(actual))
                .Flag("from_usage", context.Value(isFromUsage))
                .Text("provider", context.Value(provider))
                .Text("reason", context.Value(reason))
                .Flag("force", context.Value(isForced));
            var answer = await MoveCommands.PostAsync(context, "write-downs", body, key, cancellationToken);
            var account = context.IsJson
                ? name
                : await FindAccountAsync(context, name, answer.As<WriteDownReceipt>(), cancellationToken);
            return context.Print<WriteDownReceipt>(answer, done => context.Output.Line(
                context.Value(isFromUsage) && done.TransactionId is null
                    ? Describe($"Nothing to post: no usage of {name} is left to write down", done)
                    : Describe(WhatMoved(done, account, answer.IsReplay), done)));
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
        CommandContext context, string name, string? amount, string? actual, CancellationToken cancellationToken)
    {
        Confirmation.RequireTerminal(context.Environment);
        var answer = await context.Client.GetAsync("ledger/headroom", cancellationToken);
        var held = answer.As<Headroom>().Providers?.FirstOrDefault(provider => provider.Provider == name);
        await Confirmation.RequireAsync(
            held is null ? QuestionWithoutAccount(name, amount, actual) : Question(held, amount, actual),
            isGiven: false,
            context.Environment,
            cancellationToken);
    }

    private static string Question(ProviderBalance held, string? amount, string? actual)
    {
        var (account, holds) = ($"{AssetPrefix}{held.Provider}", MoneyFormat.Format(held.BalanceCents));
        if (actual is not null)
            return $"{account} holds {holds} on the books. {QuestionOfBalance(actual, held.BalanceCents)}";
        var warning = MoveCommands.ToCents(amount) > held.BalanceCents ? $"{account} holds only {holds}. " : "";
        return $"{warning}Write {account} down by {AmountOf(amount)}?";
    }

    // Only the service knows which provider an alias means.
    private static string QuestionWithoutAccount(string name, string? amount, string? actual) =>
        $"The books have no account {AssetPrefix}{name}. If {name} is another name of a provider, the provider's own "
        + "account is used. "
        + (actual is null
            ? $"Write {name} down by {AmountOf(amount)}?"
            : $"Set the balance of {name} to {MoveCommands.Cents(actual)}?");

    private static string AmountOf(string? amount) =>
        amount is null ? "the cost of all usage that is not written down yet" : MoveCommands.Cents(amount);

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

    // The account that was written down. The service books an alias on the account of the provider that it means,
    // unless an account of that name still holds credit. The receipt doesn't say which account it is, but its
    // transaction does. If the transaction can't be read, the write-down is still done, and the given name has to do.
    private static async Task<string> FindAccountAsync(
        CommandContext context, string name, WriteDownReceipt done, CancellationToken cancellationToken)
    {
        var held = done.Headroom.Providers?.FirstOrDefault(provider => provider.Provider == name);
        var likely = held is null ? name : $"{AssetPrefix}{name}";
        if (held is { BalanceCents: not 0 } || done.TransactionId is not { } id)
            return likely;
        try
        {
            var answer = await context.Client.GetAsync($"ledger/transactions/{id}", cancellationToken);
            return answer.As<TransactionDetail>().Entries.Select(entry => entry.Account)
                .FirstOrDefault(account => account.StartsWith(AssetPrefix, StringComparison.Ordinal)) ?? likely;
        }
        catch (Exception failure) when (failure is FaException or OperationCanceledException)
        {
            return likely;
        }
    }

    private static string WhatMoved(WriteDownReceipt done, string account, bool isReplay)
    {
        var wrote = isReplay ? "Already wrote" : "Wrote";
        return done switch
        {
            { TransactionId: null } => $"Nothing to post: the balance of {account} does not change",
            { AmountCents: < 0 } => $"{wrote} {account} up by {MoneyFormat.Format(-done.AmountCents)}",
            _ => $"{wrote} {account} down by {MoneyFormat.Format(done.AmountCents)}",
        };
    }

    private static string Describe(string moved, WriteDownReceipt done)
    {
        var transaction = done.TransactionId is null ? "" : $" (transaction {Output.TextOf(done.TransactionId)})";
        return $"{moved}; headroom {MoneyFormat.Format(done.Headroom.AvailableCents)}{transaction}.";
    }
}
