using System.Globalization;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>A key that sends too much is told to wait; nobody else notices.</summary>
public sealed class RateLimitTests(RateLimitTests.Limited service) : IClassFixture<RateLimitTests.Limited>
{
    /// <summary>A bucket that is empty after three requests, and is filled up by one a second.</summary>
    public sealed class Limited : LedgerService
    {
        protected override string[] Configuration => ["--RateLimits:RequestsPerSecond=1", "--RateLimits:Burst=3"];
    }

    [Fact]
    public async Task A_key_over_its_limit_is_429_with_Retry_After_and_other_keys_go_on()
    {
        // The service may not be asked too often for these either.
        var spender = (await service.PostAsync("/api-keys", new { name = "Twin 1", role = "ops" }))
            .Expect(201).Text("secret");
        var twin = (await service.PostAsync("/api-keys", new { name = "Twin 2", role = "ops" }))
            .Expect(201).Text("secret");

        var refused = await SpendAsync(spender);

        refused.ShouldBeProblem(
            429, "rate-limited", "Too many requests",
            "This key may send 1 requests per second. Wait for the seconds in Retry-After.");
        int.Parse(refused.RetryAfter!, CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);
        (await service.GetAsync("/users", twin)).Expect(200);
        (await service.GetAsync("/health/ready", key: null)).Expect(200);
    }

    private async Task<Reply> SpendAsync(string key)
    {
        for (var request = 0; request < 100; request++)
            if (await service.GetAsync("/users", key) is { Status: not 200 } refused)
                return refused;
        throw new InvalidOperationException("A hundred requests in a row were all answered.");
    }
}
