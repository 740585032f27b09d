namespace Factumerit.Ledger.Tests.Http;

/// <summary>Limits hold for each API key by itself, also where two keys have one name.</summary>
public sealed class RateLimitPerKeyTests(RateLimitPerKeyTests.TightService service)
    : IClassFixture<RateLimitPerKeyTests.TightService>
{
    [Fact]
    public async Task A_key_over_its_limit_leaves_a_key_of_the_same_name_alone()
    {
        var (busy, quiet) = (await service.KeyAsync("ops"), await service.KeyAsync("ops"));

        // A slow machine may be given back a request now and then, but not as fast as it sends.
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 5 * TightService.Burst).Select(_ => service.GetAsync("/ledger/headroom", busy)));
        replies.Last(reply => reply.Status != 200).ExpectProblem(429, "rate-limited").RetryAfter.ShouldNotBeNull();

        (await service.GetAsync("/ledger/headroom", quiet)).Expect(200);
    }

    /// <summary>A service whose keys may send a few requests, and get the next one after a second.</summary>
    public sealed class TightService : LedgerService
    {
        public const int Burst = 5;

        protected override string[] Configuration =>
            ["--RateLimits:RequestsPerSecond=1", $"--RateLimits:Burst={Burst}"];
    }
}
