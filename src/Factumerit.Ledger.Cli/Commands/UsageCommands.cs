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
    public static Command Build(CommandTree tree) => new("usage", "What LLM calls cost")
    {
        BuildRecord(tree),
        BuildImport(tree),
    };

    private static Command BuildRecord(CommandTree tree)
    {
        var user = Inputs.User();
        var amount = Inputs.Cents(
            "--amount-cents", "What the user pays for the call (else worked out from its cost or its tokens)");
        var request = Inputs.Text(
            "--request-id", "What names the call, so that it is never counted twice (else a new one)", "ID");
        var model = Inputs.Text("--model", "The model that was called", "MODEL");
        var provider = Inputs.Text(
            "--provider", "Who charges for the call (else the price book's provider of the model)", "PROVIDER");
        var cost = Inputs.Usd("--cost-usd", "What the provider charges for the call");
        var promptTokens = Inputs.Number("--prompt-tokens", "Tokens that went in, in all");
        var completionTokens = Inputs.Number("--completion-tokens", "Tokens that came out, in all");
        var cacheReadTokens = Inputs.Number("--cache-read-tokens", "Of those that went in: read from the cache");
        var cacheWriteTokens = Inputs.Number("--cache-write-tokens", "Of those that went in: written to the cache");
        var reasoningTokens = Inputs.Number("--reasoning-tokens", "Of those that came out: reasoning");
        var needsReview = new Option<bool>("--needs-review")
        {
            Description = "Record the call and move no money until it has been reviewed",
        };
        var description = Inputs.Text("--description", "A few words for the entry");
        var occurredAt = Inputs.Text(
            "--occurred-at", "When the call happened, for example 2026-01-31T12:00:00Z (else now)", "TIME");
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
                .Text("occurred_at", context.Value(occurredAt));
            var answer = await context.ChangeAsync(
                HttpMethod.Post, "usage", body.ToBytes(), null, $" with --request-id {requestId}", cancellationToken);
            return context.Print(answer, LedgerJson.Default.Usage, usage =>
                context.Output.Line(Tell(usage, answer.IsReplay, requestId)));
        }, user, amount, request, model, provider, cost, promptTokens, completionTokens, cacheReadTokens,
            cacheWriteTokens, reasoningTokens, needsReview, description, occurredAt);
    }

    private static string Tell(Usage usage, bool isReplay, string requestId)
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
            Description = $"A CSV file whose first line names its columns: {string.Join(", ", LedgerCsv.Columns)}; "
                + "or an export; - reads standard input",
        };
        var format = Inputs.Choice(
            "--format",
            "Whose export the file is (else the columns are the ledger's own)",
            "PROVIDER",
            UsageFormat.Exports);
        var user = Inputs.Text(
            "--user", "Charge all rows of an export to this user (else to the one that the row names)", "USER");
        var batchSize = Inputs.Count("--batch-size", "How many rows go out in one request", 500, 1000);
        const string about = "Record every call of a file; safe to run again";
        var command = tree.Create("import", about, (context, cancellationToken) =>
        {
            var rows = UsageFormat.Of(context.Value(format), context.Value(user), context.Environment.Time.GetUtcNow());
            var import = new UsageImport(context, context.Value(file), rows, context.Value(batchSize));
            return import.RunAsync(cancellationToken);
        }, file, format, user, batchSize);
        command.Validators.Add(result =>
        {
            if (result.GetResult(user) is not null && result.GetResult(format) is null)
                result.AddError("--user goes with --format: in the ledger's own file each row names its user.");
        });
        return command;
    }
}
