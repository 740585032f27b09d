using System.CommandLine;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;
using Factumerit.Ledger.Cli.Import;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa usage</c>: what calls cost, one by one or a file of them. The request id makes both safe to run again.
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
        var amount = Inputs.Cents("--amount-cents", "What the call cost", isRequired: true);
        var request = Inputs.Text("--request-id", "What names the call, so that it is never counted twice (else a new one)", "ID");
        var model = Inputs.Text("--model", "The model that was called", "MODEL");
        var promptTokens = Inputs.Number("--prompt-tokens", "Tokens that went in");
        var completionTokens = Inputs.Number("--completion-tokens", "Tokens that came out");
        var description = Inputs.Text("--description", "A few words for the entry");
        var occurredAt = Inputs.Text("--occurred-at", "When the call happened, for example 2026-01-31T12:00:00Z (else now)", "TIME");
        return tree.Create("record", "Record one call", async (context, cancellationToken) =>
        {
            var requestId = context.Value(request) ?? Inputs.NewKey();
            using var body = new JsonBody();
            body.Text("user_id", context.Value(user))
                .Number("amount_cents", context.Value(amount))
                .Text("request_id", requestId)
                .Text("model", context.Value(model))
                .Number("prompt_tokens", context.Value(promptTokens))
                .Number("completion_tokens", context.Value(completionTokens))
                .Text("description", context.Value(description))
                .Text("occurred_at", context.Value(occurredAt));
            var answer = await context.ChangeAsync(
                HttpMethod.Post, "usage", body.ToBytes(), null, $" with --request-id {requestId}", cancellationToken);
            return context.Print(answer, LedgerJson.Default.Usage, usage => context.Output.Line(
                $"{(answer.IsReplay ? "Already recorded" : "Recorded")} {MoneyFormat.Format(usage.AmountCents)} for {Output.TextOf(usage.UserId)} " +
                $"(request {Output.TextOf(usage.RequestId ?? requestId)}); balance {MoneyFormat.Format(usage.BalanceCents)}."));
        }, user, amount, request, model, promptTokens, completionTokens, description, occurredAt);
    }

    private static Command BuildImport(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = $"A CSV file whose first line names its columns: {string.Join(", ", UsageFile.Columns)}" };
        var batchSize = Inputs.Count("--batch-size", "How many rows go out in one request", 500, 1000);
        return tree.Create(
            "import",
            "Record every call of a CSV file; safe to run again",
            (context, cancellationToken) => new UsageImport(context, context.Value(file), context.Value(batchSize)).RunAsync(cancellationToken),
            file,
            batchSize);
    }
}
