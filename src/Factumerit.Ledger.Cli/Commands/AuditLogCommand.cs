using System.CommandLine;
using Factumerit.Ledger.Cli.Display;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// <c>fa audit-log</c>: the newest changes that are not postings.
/// </summary>
internal static class AuditLogCommand
{
    public static Command Build(CommandTree tree)
    {
        var action = Inputs.Text("--action", "Only changes of this kind, for example api_key.revoked", "ACTION");
        var limit = Inputs.Count("--limit", "Number of changes to show, newest first", 50, 100_000);
        const string about = "List changes that are not postings: of keys, prices, faults, reviews and users";
        return tree.Create("audit-log", about, (context, cancellationToken) =>
        {
            var filter = context.Value(action) is { } only ? $"?action={Uri.EscapeDataString(only)}" : "";
            var items = context.Client.ItemsAsync(
                $"audit-log{filter}", LedgerList.Changes, context.Value(limit), cancellationToken);
            var table = new TableView().Text("Time").Text("By").Text("Action").Text("Subject").Text("Detail");
            return context.PrintListAsync<AuditEntry>(
                items, table, whenEmpty: "No changes.", addRow: change =>
                    table.Row(change.At, change.By?.Name, change.Action, change.Subject, change.Detail?.GetRawText()));
        }, action, limit);
    }
}
