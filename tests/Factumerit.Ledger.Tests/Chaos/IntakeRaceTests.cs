using System.Text.Json;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// R17: calls that are reported several times at once, to one service or to two on one database, are recorded once.
/// </summary>
public sealed class IntakeRaceTests(TwoServices services) : IClassFixture<TwoServices>
{
    private const int Calls = 300;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task R17_two_intakes_of_the_same_calls_record_each_once(int otherService)
    {
        var user = $"user-{Guid.NewGuid():N}";
        var calls = Enumerable.Range(0, Calls).ToList();
        // One knows both ids; the others one of them each, and come backwards.
        var both = JsonElement.Parse(BodyOf(calls.Select(n => Payload($"{user}-c{n}", $"{user}-r{n}", user, "0.01"))));
        var callIds = JsonElement.Parse(
            BodyOf(Enumerable.Reverse(calls).Select(n => Payload($"{user}-c{n}", null, user, "0.01"))));
        var responseIds = JsonElement.Parse(
            BodyOf(calls.Take(50).Select(n => Payload(null, $"{user}-r{n}", user, "0.01"))));

        (await services.PostAsync(0, "/intake/litellm", responseIds, null)).Expect(200);
        var replies = await Task.WhenAll(
            services.PostAsync(0, "/intake/litellm", both, null),
            services.PostAsync(otherService, "/intake/litellm", both, null),
            services.PostAsync(otherService, "/intake/litellm", both, null),
            services.PostAsync(0, "/intake/litellm", both, null));
        var last = await services.PostAsync(otherService, "/intake/litellm", callIds, null);

        replies.Sum(r => Counts(r.Expect(200))[0]).ShouldBe(Calls - 50);
        replies.Sum(r => Counts(r)[1]).ShouldBe((3 * Calls) + 50);
        Counts(last.Expect(200)).ShouldBe([0, Calls, 0, 0, 0]);
        (await services.BalanceAsync(user)).ShouldBe(-Calls);
        await services.Database.AssertIntegrityAsync();
    }
}
