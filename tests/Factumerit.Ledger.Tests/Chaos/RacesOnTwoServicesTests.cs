using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// The races on two services, whose writers meet only in the database. No client sees a serialization failure.
/// </summary>
public sealed class RacesOnTwoServicesTests(TwoServices services) : RaceTests(services), IClassFixture<TwoServices>
{
    private protected override Task<Reply> PostAsync(
        int racer, string path, object body, string? idempotencyKey = null) =>
        services.PostAsync(racer, path, body, idempotencyKey);
}
