using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Properties;
using FsCheck;
using FsCheck.Fluent;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// Random sequences through the service and the writer into PostgreSQL. Several operations are sent at once, so they
/// share commits. They are decided in the order in which they were sent (R9, R10), and the stored data equals the
/// reference model's at the end (R1, R3, R13, R14).
/// </summary>
public sealed class RandomOperationsOnDatabaseTests
{
    [Fact]
    public void Every_sequence_of_operations_is_stored_as_the_reference_model_says() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(12),
            Prop.ForAll(Step.Sequences(lengthMax: 40), steps =>
                CompareAsync(Step.Resolve(steps)).GetAwaiter().GetResult()));

    private static Task CompareAsync(IReadOnlyList<Step> steps) => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        var model = new ReferenceModel();
        await database.PostAsync(async service =>
        {
            foreach (var group in steps.Chunk(5))
            {
                var answers = await Task.WhenAll(group.Select(step => RunAsync(service, step)));
                answers.ShouldBe(group.Select(model.Run));
            }
        });
        var budgets = await new UserQueries(database.Ledger).ListBudgetsAsync(null, 100, null, CancellationToken.None);
        budgets.Users.Select(u => (u.UserId, u.BalanceCents)).ShouldBe(model.Balances, ignoreOrder: true);
        await database.AssertIntegrityAsync();
    });

    private static async Task<string> RunAsync(BudgetService service, Step step) => step switch
    {
        Step.SignupStep s => Verdict.Of(await service.SignUpAsync(s.ToRequest(), CancellationToken.None)),
        Step.UsageStep s => Verdict.Of(await service.RecordUsageAsync(s.ToRequest(), CancellationToken.None)),
        Step.GrantStep s => Verdict.Of(await service.GrantAsync(s.ToRequest(), "root", s.Key, CancellationToken.None)),
        Step.PurchaseStep s => Verdict.Of(await service.PurchaseAsync(s.ToRequest(), s.Key, CancellationToken.None)),
        Step.WriteDownStep s => Verdict.Of(await service.WriteDownAsync(s.ToRequest(), s.Key, CancellationToken.None)),
        Step.DeleteStep s => Verdict.Of(await service.DeleteUserAsync(s.UserId, CancellationToken.None)),
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "must be resolved first"),
    };
}
