using Factumerit.Ledger.Tests.Writing;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Floods of wrong keys hardly load the database. They limit the address, but not the good keys behind it.
/// </summary>
public sealed class UnknownKeyLimitTests(UnknownKeyLimitTests.Guarded service)
    : IClassFixture<UnknownKeyLimitTests.Guarded>
{
    private const int Limit = 50;

    public sealed class Guarded : LedgerService
    {
        internal CuttingProxy Proxy { get; private set; } = null!;

        protected override string[] Configuration =>
            [$"--RateLimits:UnauthenticatedPerSecond={Limit}", "--Integrity:IntervalSeconds=0"];

        protected override Task<string> ConnectAsync()
        {
            Proxy = new CuttingProxy(Database.ConnectionString);
            return Task.FromResult(Proxy.ConnectionString);
        }

        public override async Task DisposeAsync()
        {
            await Proxy.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    [Fact]
    public async Task Wrong_keys_beyond_the_limit_of_their_address_are_429_and_good_keys_beside_them_are_served()
    {
        var good = await service.KeyAsync("ops");
        var wrong = Enumerable.Range(0, 20 * Limit).Select(n => service.GetAsync("/users", WrongKey(n))).ToList();
        var right = new List<Reply>();
        while (!wrong.All(w => w.IsCompleted))
            right.Add(await service.GetAsync("/users", good));

        right.ShouldAllBe(reply => reply.Status == 200);
        var replies = await Task.WhenAll(wrong);
        replies.Select(r => r.Status).Distinct().Order().ShouldBe([401, 429]);
        var refused = replies.First(r => r.Status == 429);
        refused.ExpectProblem(429, "rate-limited").RetryAfter.ShouldBe("1");
        // A key that nobody has used yet is found in the middle of it, too.
        (await service.GetAsync("/users", await service.KeyAsync("ops"))).Expect(200);
    }

    [Fact]
    public async Task Wrong_keys_share_look_ups_and_one_that_is_known_to_be_wrong_is_not_looked_up_again()
    {
        var before = service.Proxy.Messages;
        await Task.WhenAll(Enumerable.Range(0, 500).Select(n => service.GetAsync("/users", WrongKey(10_000 + n))));
        (service.Proxy.Messages - before).ShouldBeLessThan(100);

        before = service.Proxy.Messages;
        for (var n = 0; n < 200; n++)
            (await service.GetAsync("/users", WrongKey(10_000))).Status.ShouldBeOneOf(401, 429);
        (service.Proxy.Messages - before).ShouldBeLessThan(50);
    }

    [Fact]
    public async Task Health_asks_the_database_once_a_second_at_most()
    {
        var before = service.Proxy.Messages;
        for (var n = 0; n < 300; n++)
            (await service.GetAsync("/health/ready", key: null)).Expect(200);

        (service.Proxy.Messages - before).ShouldBeLessThan(100);
    }

    private static string WrongKey(int n) => $"fa_admin_{n:x8}_{new string('0', 64)}";
}
