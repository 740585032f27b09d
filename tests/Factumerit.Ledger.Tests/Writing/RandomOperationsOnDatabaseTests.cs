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
            var holds = new HoldQueries(database.Ledger);
            foreach (var group in steps.Chunk(5))
            {
                model.KnowHolds();
                var known = await holds.ListAsync(null, null, 1000, null, CancellationToken.None);
                // Read before, so that all operations of the group enter the queue in the order of the steps.
                var seen = new List<Hold>();
                foreach (var hold in known.Holds)
                    seen.Add((await holds.FindAsync(hold.HoldId, CancellationToken.None)).ShouldNotBeNull());
                var answers = await Task.WhenAll(group.Select(step => RunAsync(service, step, seen)));
                answers.ShouldBe(group.Select(model.Run));
            }
        });
        var budgets = await new UserQueries(database.Ledger).ListBudgetsAsync(null, 100, null, CancellationToken.None);
        budgets.Users.Select(u => (u.UserId, u.BalanceCents)).ShouldBe(model.Balances, ignoreOrder: true);
        budgets.Users.Select(u => (u.UserId, u.HeldCents)).ShouldBe(model.Held, ignoreOrder: true);
        await database.AssertIntegrityAsync();
    });

    // Holds are listed in the order in which they were placed.
    private static async Task<string> RunAsync(
        BudgetService service, Step step, IReadOnlyList<Hold> seen)
    {
        var none = CancellationToken.None;
        Guid[] known = [.. seen.Select(hold => hold.Id)];
        return step switch
        {
            Step.SignupStep s => Verdict.Of(await service.SignUpAsync(s.ToRequest(), none)),
            Step.UsageStep s => Verdict.Of(await service.RecordUsageAsync(s.ToRequest(known), none)),
            Step.HoldStep s => Verdict.Of(await service.PlaceHoldAsync(s.ToRequest(), Actor.Service, s.Key, none)),
            Step.IncreaseStep s => seen.FirstOrDefault(h => h.Id == Step.IdOf(known, s.Hold)) is { } hold
                ? Verdict.Of(await service.IncreaseHoldAsync(s.ToRequest(), hold, Actor.Service, s.Key, none))
                : "not-found",
            Step.ReleaseStep s => seen.FirstOrDefault(h => h.Id == Step.IdOf(known, s.Hold)) is { } hold
                ? Verdict.Of(await service.ReleaseHoldAsync(new(), hold, Actor.Service, none))
                : "not-found",
            Step.GrantStep s => Verdict.Of(await service.GrantAsync(s.ToRequest(), "root", s.Key, none)),
            Step.PurchaseStep s => Verdict.Of(await service.PurchaseAsync(s.ToRequest(), s.Key, none)),
            Step.WriteDownStep s => Verdict.Of(await service.WriteDownAsync(s.ToRequest(), s.Key, none)),
            Step.DeleteStep s => Verdict.Of(await service.DeleteUserAsync(s.UserId, none)),
            _ => throw new ArgumentOutOfRangeException(nameof(step), step, "must be resolved first"),
        };
    }
}
