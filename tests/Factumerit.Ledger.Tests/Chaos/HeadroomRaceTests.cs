using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// R8: headroom is checked under the lock that posts the credit, so it can't be spent twice, on one service or on two.
/// </summary>
public sealed class HeadroomRaceTests(TwoServices services) : IClassFixture<TwoServices>
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task R8_of_two_signups_for_the_last_headroom_exactly_one_wins(int otherService)
    {
        for (var round = 0; round < 25; round++)
        {
            (await services.PostAsync("/purchases", new { credits_cents = 150 }, $"purchase-{Guid.NewGuid()}"))
                .Expect(201);

            var replies = await Task.WhenAll(SignUpAsync(0), SignUpAsync(otherService));

            replies.Count(reply => reply.Status == 201).ShouldBe(1);
            var refused = replies.Single(reply => reply.Status != 201)
                .ExpectProblem(409, "insufficient-anthropic-credits");
            refused.Amount("available_cents").ShouldBe(50);
            (await services.PostAsync("/write-downs", new { amount_cents = 50 }, $"write-down-{Guid.NewGuid()}"))
                .Expect(201).Json.GetProperty("headroom").GetProperty("available_cents").GetDecimal().ShouldBe(0);
        }
        await services.Database.AssertIntegrityAsync();
    }

    private Task<Reply> SignUpAsync(int service) =>
        services.PostAsync(
            service, "/users", new { user_id = $"user-{Guid.NewGuid():N}", initial_credit_cents = 100 }, null);
}
