using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// R20: a user's keys are blocked when the credit is used up and opened when it returns, in any state of LiteLLM.
/// </summary>
public sealed class KeysFollowBalancesTests(LiteLlmService service) : IClassFixture<LiteLlmService>
{
    [Fact]
    public async Task R20_keys_are_blocked_when_the_credit_is_used_up_and_open_when_it_comes_back()
    {
        var user = await service.UserAsync(100);
        var keys = new[] { await service.VirtualKeyAsync(user), await service.VirtualKeyAsync(user) };

        await service.UseAsync(user, 99);
        (await service.OutboxAsync()).ShouldBeEmpty();
        await service.UseAsync(user, 5);
        await UntilBlockedAsync(keys, true);
        (await service.Fake.MakeCallsAsync([new FakeCall { Key = keys[0].Secret }])).ShouldBe(0);

        await service.GrantAsync(user, 3);
        (await service.OutboxAsync()).ShouldBeEmpty();
        await service.GrantAsync(user, 3);
        await UntilBlockedAsync(keys, false);
    }

    [Fact]
    public async Task R20_a_balance_of_exactly_0_blocks()
    {
        var user = await service.UserAsync(100);
        var key = await service.VirtualKeyAsync(user);

        await service.UseAsync(user, 100);

        await UntilBlockedAsync([key], true);
    }

    [Fact]
    public async Task R20_a_key_made_for_a_user_without_credit_is_blocked_from_the_beginning()
    {
        var user = await service.UserAsync(0);

        var key = await service.VirtualKeyAsync(user);

        await UntilBlockedAsync([key], true);
        await service.GrantAsync(user, 1);
        await UntilBlockedAsync([key], false);
    }

    [Fact]
    public async Task R20_postings_go_on_while_LiteLLM_hangs()
    {
        var user = await service.UserAsync(100);
        var key = await service.VirtualKeyAsync(user);
        var asked = service.Fake.RequestsTo("/key/block");
        service.Fake.Script("/key/block", FakeTrouble.Slow, delayMs: 30_000);

        await service.UseAsync(user, 100);
        await LiteLlmService.UntilAsync(() => service.Fake.RequestsTo("/key/block") > asked);
        // LiteLLM holds the request now, and gives no answer for as long as these take.
        await service.GrantAsync(user, 100);
        for (var call = 0; call < 20; call++)
            await service.UseAsync(user, 1);
        (await service.BalanceAsync(user)).ShouldBe(80);
        service.Fake.Find(key.Hash).ShouldNotBeNull().IsBlocked.ShouldBeFalse();
        (await service.OutboxAsync()).ShouldBe(["block 1", "unblock 0"]);
        var pending = (await service.ShownAsync(user, key.Id)).GetProperty("pending");
        pending.GetProperty("action").GetString().ShouldBe("block");

        // Keys of others don't wait for it either.
        var other = await service.UserAsync(1);
        var othersKey = await service.VirtualKeyAsync(other);
        await service.UseAsync(other, 1);
        await UntilBlockedAsync([othersKey], true);
        await service.Database.ExecuteAsync("DELETE FROM outbox");
    }

    [Fact]
    public async Task R20_postings_go_on_while_LiteLLM_fails()
    {
        var user = await service.UserAsync(1);
        var key = await service.VirtualKeyAsync(user);
        service.Fake.Script("/key/block", FakeTrouble.Error, count: 3);

        await service.UseAsync(user, 1);
        await LiteLlmService.UntilAsync(async () =>
            (await service.ShownAsync(user, key.Id)).GetProperty("pending")
                is { ValueKind: System.Text.Json.JsonValueKind.Object } pending
            && pending.GetProperty("last_error").GetString()
                == "LiteLLM answered 500: Internal Server Error, the database is away.");
        await service.GrantAsync(user, 2);
        await service.UseAsync(user, 1);

        (await service.BalanceAsync(user)).ShouldBe(1);
        await service.EndPausesAsync();
        await LiteLlmService.UntilAsync(async () => (await service.OutboxAsync()).Count == 0);
        await UntilBlockedAsync([key], false);
    }

    [Fact]
    public async Task R20_many_crossings_of_many_users_leave_each_key_as_its_balance_is()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => service.UserAsync(1)));
        var keys = new List<(string User, VirtualKeyInTest Key)>();
        foreach (var user in users)
            for (var count = 0; count < 2; count++)
                keys.Add((user, await service.VirtualKeyAsync(user)));
        // Some trouble on the way, of each kind.
        foreach (var trouble in (FakeTrouble[])[
            FakeTrouble.Error, FakeTrouble.Cut, FakeTrouble.LoseAnswer, FakeTrouble.Busy])
            foreach (var path in (string[])["/key/block", "/key/unblock"])
                service.Fake.Script(path, trouble, count: 4);

        // The balance swings around 0, at random.
        await Task.WhenAll(users.Select(async (user, index) =>
        {
            var random = new Random(index);
            for (var step = 0; step < 25; step++)
                if (random.Next(2) == 0)
                    await service.GrantAsync(user, random.Next(1, 4));
                else
                    await service.PostAsync("/usage", new
                    {
                        user_id = user,
                        amount_cents = random.Next(1, 4),
                        request_id = Guid.NewGuid().ToString()
                    });
        }));
        await LiteLlmService.UntilAsync(async () =>
        {
            await service.EndPausesAsync();
            return (await service.OutboxAsync()).Count == 0;
        });

        foreach (var (user, key) in keys)
        {
            var isBlocked = await service.BalanceAsync(user) <= 0;
            service.Fake.Find(key.Hash).ShouldNotBeNull().IsBlocked.ShouldBe(isBlocked);
            (await service.ShownAsync(user, key.Id)).GetProperty("is_blocked").GetBoolean().ShouldBe(isBlocked);
        }
    }

    private async Task UntilBlockedAsync(VirtualKeyInTest[] keys, bool isBlocked)
    {
        await LiteLlmService.UntilAsync(() => keys.All(key => service.Fake.Find(key.Hash)!.IsBlocked == isBlocked));
        await LiteLlmService.UntilAsync(async () => await service.Database.ScalarAsync<long>(
            $"SELECT count(*) FROM virtual_keys WHERE is_blocked = {isBlocked} "
            + $"AND id IN ({string.Join(", ", keys.Select(key => $"'{key.Id}'"))})") == keys.Length);
    }
}
