using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>The races on one service, where they share commits.</summary>
public sealed class RacesOnOneServiceTests(LedgerService service) : RaceTests(service), IClassFixture<LedgerService>;
