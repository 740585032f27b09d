using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// From an empty ledger on, whatever comes first: after every single operation the check that goes on from the last one
/// and the check of everything agree that nothing is at fault.
/// </summary>
public sealed class FirstOperationsTests
{
    private static readonly Dictionary<string, Func<BudgetService, Task>> Operations = new()
    {
        ["purchase"] = s => s.PurchaseAsync(new() { CreditsCents = 2500, SalesTaxCents = 259 }, "p", default),
        ["signup"] = s => s.SignUpAsync(new() { UserId = "alice", InitialCreditCents = 100 }, default),
        ["grant"] = s => s.GrantAsync(new() { UserId = "alice", AmountCents = 500 }, "root", "g", default),
        ["usage"] = s => s.RecordUsageAsync(new() { UserId = "alice", AmountCents = 5, RequestId = "call" }, default),
        ["write-down"] = s => s.WriteDownAsync(new() { AmountCents = 5, Force = true }, "w", default),
        ["free usage"] = s =>
            s.RecordUsageAsync(new() { UserId = "bob", AmountCents = 0, RequestId = "free" }, default),
        ["waiting usage"] = s => s.RecordUsageAsync(
            new() { UserId = "alice", Model = "unheard-of", PromptTokens = 1, RequestId = "waits" }, default),
        ["signup without credit"] = s => s.SignUpAsync(new() { UserId = "bob" }, default),
        ["deletion"] = s => s.DeleteUserAsync("alice", default),
    };

    public static TheoryData<string> Firsts => [.. Money.Concat(Quiet).Distinct()];

    private static string[] Money => ["purchase", "signup", "grant", "usage", "write-down"];

    // Those that may leave no entry.
    private static string[] Quiet => ["signup without credit", "free usage", "waiting usage", "deletion"];

    [Theory]
    [MemberData(nameof(Firsts))]
    public async Task Both_checks_agree_after_each_of_the_first_five_operations_in_every_order(string first)
    {
        var orders = new[] { Money, Quiet }.Where(five => five.Contains(first))
            .SelectMany(
                five => OrdersOf(five.Where(other => other != first)).Select(rest => rest.Prepend(first).ToList()));
        var seen = new HashSet<string>();
        foreach (var order in orders)
            await DatabaseQueries.WithDatabaseAsync(database => RunAsync(database, order, seen));
    }

    // Orders that begin alike are looked at once as far as they do.
    private static Task RunAsync(TestDatabase database, List<string> order, HashSet<string> seen) =>
        database.PostAsync(async service =>
        {
            var check = new IntegrityCheck(database.Ledger);
            for (var done = 1; done <= order.Count; done++)
            {
                await Operations[order[done - 1]](service);
                var message = $"after {string.Join(", ", order.Take(done))}";
                if (!seen.Add(message))
                    continue;
                var (next, full) = (await check.RunAsync(default), await check.ReportAsync(full: true, default));
                next.Faults.Concat(full.Faults).ShouldBeEmpty(message);
                (next.EntryCount, next.TotalDebits, next.TransactionCount)
                    .ShouldBe((full.EntryCount, full.TotalDebits, full.TransactionCount), message);
                // Nothing has happened since: the shortest way to go on from a checkpoint.
                if (done is 1 or 2)
                    (await check.ReportAsync(full: false, default)).Faults.ShouldBeEmpty(message);
            }
        });

    private static IEnumerable<IEnumerable<string>> OrdersOf(IEnumerable<string> words)
    {
        var list = words.ToList();
        return list.Count == 0
            ? [[]]
            : list.SelectMany(word => OrdersOf(list.Where(other => other != word)).Select(rest => rest.Prepend(word)));
    }
}
