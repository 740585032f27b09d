using System.Net.Http.Json;
using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>R20 with two services at work on one outbox.</summary>
public sealed class KeysOnTwoServicesTests(TwoLiteLlmServices service) : IClassFixture<TwoLiteLlmServices>
{
    [Fact]
    public async Task R20_two_services_tell_LiteLLM_each_thing_in_its_order()
    {
        var user = await service.UserAsync(1);
        var key = await service.VirtualKeyAsync(user);
        service.Fake.Script("/key/block", FakeTrouble.LoseAnswer, count: 6);
        service.Fake.Script("/key/unblock", FakeTrouble.Cut, count: 6);

        for (var time = 0; time < 20; time++)
        {
            await service.UseAsync(user, 1);
            using var grant = new HttpRequestMessage(HttpMethod.Post, "/grants")
            {
                Content = JsonContent.Create(new { user_id = user, amount_cents = 1 })
            };
            grant.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
            (await service.Second.SendAsync(grant)).EnsureSuccessStatusCode();
        }
        await service.UseAsync(user, 1);

        await LiteLlmService.UntilAsync(async () =>
        {
            await service.EndPausesAsync();
            return (await service.OutboxAsync()).Count == 0;
        });
        service.Fake.Find(key.Hash).ShouldNotBeNull().IsBlocked.ShouldBeTrue();
        (await service.ShownAsync(user, key.Id)).GetProperty("is_blocked").GetBoolean().ShouldBeTrue();
    }
}
