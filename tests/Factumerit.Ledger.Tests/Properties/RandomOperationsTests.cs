using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Tests.Rules;
using FsCheck;
using FsCheck.Fluent;

namespace Factumerit.Ledger.Tests.Properties;

/// <summary>
/// Random sequences of operations on one state: every answer and balance equals the reference model's, and after each
/// step R1, R3, R8, R9, R10 and R14 hold (<see cref="Books.Apply"/> checks them). A failure prints the shrunk sequence
/// and the seed. Pass the seed to WithReplay to run it again.
/// </summary>
public sealed class RandomOperationsTests
{
    [Fact]
    public void Every_sequence_of_operations_ends_as_the_reference_model_says() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(300),
            Prop.ForAll(Step.Sequences(lengthMax: 60), steps => Compare(Step.Resolve(steps))));

    [Fact]
    public void The_sequences_reach_every_answer_and_refusal()
    {
        var seen = new HashSet<string>();
        foreach (var steps in Step.Sequences(lengthMax: 60).Generator.Sample(60, 300))
        {
            var model = new ReferenceModel();
            foreach (var step in Step.Resolve(steps))
            {
                model.KnowHolds();
                seen.Add(model.Run(step).Split(' ')[0]);
            }
        }
        seen.ShouldBe(
            [
                "created", "existed", "used", "granted", "bought", "wrote", "deleted", "again:", "user-deleted",
                "user-not-found",
                "insufficient-credit", "insufficient-anthropic-credits", "insufficient-provider-credit",
                "idempotency-key-reused", "holds", "hold-closed", "not-found",
            ], ignoreOrder: true);
    }

    private static void Compare(IReadOnlyList<Step> steps)
    {
        var model = new ReferenceModel();
        var books = new Books();
        foreach (var step in steps)
        {
            model.KnowHolds();
            Run(books, step).ShouldBe(model.Run(step), step.ToString());
            books.Users.Select(u => (u.UserId, u.BalanceCents))
                .ShouldBe(model.Balances, ignoreOrder: true, step.ToString());
            books.Users.Select(u => (u.UserId, u.HeldCents))
                .ShouldBe(model.Held, ignoreOrder: true, step.ToString());
        }
        books.State.NewEntries.Sum(e => e.CreditCents - e.DebitCents).ShouldBe(0, "R1");
    }

    private static string Run(Books books, Step step) => step switch
    {
        Step.SignupStep s => Verdict.Of(books.Apply(new Signup(s.ToRequest()))),
        Step.UsageStep s => Verdict.Of(books.Apply(new RecordUsage(s.ToRequest(books.HoldIds)))),
        Step.HoldStep s => Verdict.Of(books.Apply(new PlaceHold(s.ToRequest(), s.Key, Books.NoPrices))),
        Step.IncreaseStep s => books.FindHold(Step.IdOf(books.HoldIds, s.Hold)) is { } hold
            ? Verdict.Of(books.Apply(new IncreaseHold(s.ToRequest(), hold, s.Key)))
            : "not-found",
        Step.ReleaseStep s => books.FindHold(Step.IdOf(books.HoldIds, s.Hold)) is { } hold
            ? Verdict.Of(books.Apply(new ReleaseHold(new(), hold)))
            : "not-found",
        Step.GrantStep s => Verdict.Of(books.Apply(new Grant(s.ToRequest(), s.Key))),
        Step.PurchaseStep s => Verdict.Of(books.Apply(new Purchase(s.ToRequest(), s.Key))),
        Step.WriteDownStep s => Verdict.Of(books.Apply(new WriteDown(s.ToRequest(), s.Key))),
        Step.DeleteStep s => Verdict.Of(books.Delete(s.UserId)),
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "must be resolved first"),
    };
}
