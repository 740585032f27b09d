using System.CommandLine;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;
using Factumerit.Ledger.Cli.Import;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa usage</c>: records calls, one by one or from a file. The request id makes both safe to run again.
/// </summary>
internal static class UsageCommands
{
    public static Command Build(CommandTree tree) => new("usage", "Record LLM calls")
    {
        BuildRecord(tree),
        BuildImport(tree),
    };

    private static Command BuildRecord(CommandTree tree)
    {
        var user = Inputs.User();
        var amount = Inputs.Cents(
            "--amount-cents", "What the user pays, in cents (default: calculated from the cost or the tokens)");
        var request = Inputs.Text(
            "--request-id",
            "The call's id: calls of a user with the same id are recorded only once (default: a new id)",
            "ID");
        var model = Inputs.Text("--model", "The model that was called", "MODEL");
        var provider = Inputs.Text(
            "--provider",
            "The provider that charges for the call (default: the model's provider in the price book)",
            "PROVIDER");
        var cost = Inputs.Usd("--cost-usd", "What the provider charges for the call, in US dollars");
        var promptTokens = Inputs.Number("--prompt-tokens", "Number of input tokens, including cached tokens");
        var completionTokens = Inputs.Number(
            "--completion-tokens", "Number of output tokens, including reasoning tokens");
        var cacheReadTokens = Inputs.Number("--cache-read-tokens", "Input tokens read from the cache");
        var cacheWriteTokens = Inputs.Number("--cache-write-tokens", "Input tokens written to the cache");
        var reasoningTokens = Inputs.Number("--reasoning-tokens", "Output tokens used for reasoning");
        var needsReview = new Option<bool>("--needs-review")
        {
            Description = "Record the call for review and charge nothing until it is reviewed",
        };
        var description = Inputs.Text("--description", "A description for the ledger entry");
        var occurredAt = Inputs.Text(
            "--occurred-at", "When the call was made, for example 2026-01-31T12:00:00Z (default: now)", "TIME");
        var (hold, staysOpen) = HoldCommands.OfUsage();
        return tree.Create("record", "Record one call", async (context, cancellationToken) =>
        {
            var requestId = context.Value(request) ?? Inputs.NewKey();
            using var body = new JsonBody();
            body.Text("user_id", context.Value(user))
                .Number("amount_cents", context.Value(amount))
                .Text("request_id", requestId)
                .Text("model", context.Value(model))
                .Text("provider", context.Value(provider))
                .Number("provider_cost_usd", context.Value(cost))
                .Number("prompt_tokens", context.Value(promptTokens))
                .Number("completion_tokens", context.Value(completionTokens))
                .Number("cache_read_tokens", context.Value(cacheReadTokens))
                .Number("cache_write_tokens", context.Value(cacheWriteTokens))
                .Number("reasoning_tokens", context.Value(reasoningTokens))
                .Text("billing_status", context.Value(needsReview) ? "needs_review" : null)
                .Text("description", context.Value(description))
                .Text("occurred_at", context.Value(occurredAt))
                .Text("hold_id", context.Value(hold))
                .Lowered("closes_hold", context.Value(staysOpen));
            var answer = await context.ChangeAsync(
                HttpMethod.Post, "usage", body.ToBytes(), null, $" with --request-id {requestId}", cancellationToken);
            return context.Print<RecordedUsage>(answer, usage =>
                context.Output.Line(Tell(usage, answer.IsReplay, requestId)));
        }, user, amount, request, model, provider, cost, promptTokens, completionTokens, cacheReadTokens,
            cacheWriteTokens, reasoningTokens, needsReview, description, occurredAt, hold, staysOpen);
    }

    private static string Tell(RecordedUsage usage, bool isReplay, string requestId)
    {
        var did = isReplay ? "Already recorded" : "Recorded";
        var call = $"for {Output.TextOf(usage.UserId)} (request {Output.TextOf(usage.RequestId ?? requestId)})";
        return usage.AmountCents is { } amountCents
            ? $"{did} {MoneyFormat.Format(amountCents)} {call}; balance {MoneyFormat.Format(usage.BalanceCents)}."
            : $"{did} a call {call}; it waits for review ({Output.TextOf(usage.ReviewReason)}), and no money moved.";
    }

    private static Command BuildImport(CommandTree tree)
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A CSV file whose first line names its columns, or with --format a provider's export; "
                + $"- reads standard input. Columns: {string.Join(", ", LedgerCsv.Columns)}",
        };
        var format = Inputs.Choice(
            "--format",
            "Read an export of this provider instead of a file with the ledger's own columns",
            "PROVIDER",
            UsageFormat.Exports);
        var user = Inputs.Text(
            "--user", "Charge all rows of an export to this user (default: the user named in each row)", "USER");
        var batchSize = Inputs.Count("--batch-size", "Number of rows per request", 500, 1000);
        const string about = "Record all calls in a file; safe to run again";
        var command = tree.Create("import", about, (context, cancellationToken) =>
        {
            var rows = UsageFormat.Of(context.Value(format), context.Value(user), context.Environment.Time.GetUtcNow());
            var import = new UsageImport(context, context.Value(file), rows, context.Value(batchSize));
            return import.RunAsync(cancellationToken);
        }, file, format, user, batchSize);
        command.Validators.Add(result =>
        {
            if (result.GetResult(user) is not null && result.GetResult(format) is null)
                result.AddError("--user needs --format: without it, each row of the file names its user.");
        });
        return command;
    }
}
