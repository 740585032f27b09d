using FsCheck;
using FsCheck.Fluent;

namespace Factumerit.Ledger.Tests.Properties;

/// <summary>
/// One operation of a random sequence. Values come from small pools, so keys are often replayed and reused, users are
/// deleted and created again, and balances cross zero.
/// </summary>
public abstract record Step
{
    private static readonly Gen<string> UserIds = Gen.Elements("alice", "bob", "carol", "dave");
    private static readonly Gen<string> Keys = Gen.Choose(1, 25).Select(n => $"key-{n}");
    private static readonly Gen<string> Providers = Gen.Elements("anthropic", "anthropic", "openai");
    private static readonly Gen<decimal> Amounts = Gen.OneOf(
        Gen.Elements(0.0000001m, 0.0165m, 1m, 5m, 99.9999999m, 250m),
        Gen.Choose(1, int.MaxValue).Select(n => n / 10_000_000m));

    private static readonly Gen<decimal> AmountsOrZero = Gen.Frequency((3, Amounts), (1, Gen.Constant(0m)));

    private static readonly Gen<Step> One = Gen.Frequency(
        (3, from user in UserIds
            from credit in AmountsOrZero
            from n in Gen.Choose(0, 9)
            select (Step)new SignupStep(user, credit, n == 0)),
        (8, from user in UserIds
            from cents in AmountsOrZero
            from key in Keys
            select (Step)new UsageStep(user, cents, key)),
        (4, from user in UserIds
            from cents in Amounts
            from key in Keys
            from n in Gen.Choose(0, 2)
            select (Step)new GrantStep(user, cents, key, n > 0)),
        (3, from credits in Amounts
            from tax in AmountsOrZero
            from p in Providers
            from key in Keys
            select (Step)new PurchaseStep(credits, tax, p, key)),
        (2, from cents in AmountsOrZero
            from p in Providers
            from key in Keys
            from n in Gen.Choose(0, 3)
            select (Step)new WriteDownStep(cents, null, p, key, n == 0)),
        (2, from cents in AmountsOrZero
            from p in Providers
            from key in Keys
            from n in Gen.Choose(0, 3)
            select (Step)new WriteDownStep(null, cents, p, key, n == 0)),
        (6, from user in UserIds
            from cents in Amounts
            from n in Gen.Choose(0, 3)
            from key in Keys
            select (Step)new HoldStep(user, cents, n > 1, n % 2 == 0 ? key : null, n % 2 == 1 ? key : null)),
        (4, from user in UserIds
            from cents in AmountsOrZero
            from key in Keys
            from hold in Gen.Choose(1, 3)
            from n in Gen.Choose(0, 2)
            select (Step)new UsageStep(user, cents, key, hold, n > 0)),
        (2, from cents in Amounts
            from key in Keys
            from hold in Gen.Choose(1, 3)
            select (Step)new IncreaseStep(hold, cents, key)),
        (4, Gen.Choose(1, 2).Select(hold => (Step)new ReleaseStep(hold))),
        (1, UserIds.Select(user => (Step)new DeleteStep(user))),
        (4, Gen.Choose(1, 60).Select(back => (Step)new RepeatStep(back))));

    /// <summary>Sequences of up to so many steps, which shrink by leaving steps out.</summary>
    public static Arbitrary<Step[]> Sequences(int lengthMax) =>
        Arb.From(Gen.Choose(1, lengthMax).SelectMany(length => One.ArrayOf(length)), Shrink);

    private static IEnumerable<Step[]> Shrink(Step[] steps)
    {
        for (var size = steps.Length / 2; size > 0; size /= 2)
            for (var start = 0; start < steps.Length; start += size)
                yield return [.. steps[..start], .. steps[Math.Min(start + size, steps.Length)..]];
    }

    /// <summary>The steps with each repetition replaced by the step it repeats.</summary>
    public static IReadOnlyList<Step> Resolve(IReadOnlyList<Step> steps)
    {
        var resolved = new List<Step>();
        foreach (var step in steps)
        {
            if (step is not RepeatStep repeat)
                resolved.Add(step);
            else if (resolved.Count > 0)
                resolved.Add(resolved[Math.Max(0, resolved.Count - repeat.Back)]);
        }
        return resolved;
    }

    public sealed record SignupStep(string UserId, decimal CreditCents, bool IsOverridden) : Step
    {
        public SignupRequest ToRequest() =>
            new() { UserId = UserId, InitialCreditCents = CreditCents, OverrideHeadroomCheck = IsOverridden };
    }

    /// <param name="UserId">The user.</param>
    /// <param name="AmountCents">The price.</param>
    /// <param name="RequestId">The id of the call.</param>
    /// <param name="Hold">The hold that it names: 1 is the last that was placed before; 0: none.</param>
    /// <param name="ClosesHold">Whether the hold ends.</param>
    public sealed record UsageStep(
        string UserId, decimal AmountCents, string RequestId, int Hold = 0, bool ClosesHold = true) : Step
    {
        public UsageRequest ToRequest(IReadOnlyList<Guid> holds) => new()
        {
            UserId = UserId,
            AmountCents = AmountCents,
            RequestId = RequestId,
            HoldId = Hold == 0 ? null : IdOf(holds, Hold),
            ClosesHold = Hold == 0 ? null : ClosesHold,
        };
    }

    public sealed record HoldStep(string UserId, decimal AmountCents, bool IsPartial, string? Key, string? ExternalId)
        : Step
    {
        public HoldRequest ToRequest() => new()
        {
            UserId = UserId,
            AmountCents = AmountCents,
            Partial = IsPartial,
            ExternalId = ExternalId,
        };
    }

    /// <summary>Adds to the hold that was placed so many holds before.</summary>
    public sealed record IncreaseStep(int Hold, decimal AmountCents, string Key) : Step
    {
        public HoldIncreaseRequest ToRequest() => new() { AmountCents = AmountCents };
    }

    /// <summary>Releases the hold that was placed so many holds before.</summary>
    public sealed record ReleaseStep(int Hold) : Step;

    /// <summary>The id of the hold that was placed so many holds before; of none, if there are not so many.</summary>
    public static Guid IdOf(IReadOnlyList<Guid> holds, int back) => back > holds.Count ? Guid.Empty : holds[^back];

    public sealed record GrantStep(string UserId, decimal AmountCents, string Key, bool CreatesUser) : Step
    {
        public GrantRequest ToRequest() =>
            new() { UserId = UserId, AmountCents = AmountCents, CreateUser = CreatesUser };
    }

    public sealed record PurchaseStep(decimal CreditsCents, decimal TaxCents, string Provider, string Key) : Step
    {
        public PurchaseRequest ToRequest() =>
            new() { CreditsCents = CreditsCents, SalesTaxCents = TaxCents, Provider = Provider };
    }

    public sealed record WriteDownStep(
        decimal? AmountCents, decimal? ActualCents, string Provider, string Key, bool IsForced) : Step
    {
        public WriteDownRequest ToRequest() =>
            new()
            {
                AmountCents = AmountCents,
                ActualBalanceCents = ActualCents,
                Provider = Provider,
                Force = IsForced
            };
    }

    public sealed record DeleteStep(string UserId) : Step;

    /// <summary>The same request again as so many steps before.</summary>
    public sealed record RepeatStep(int Back) : Step;
}
