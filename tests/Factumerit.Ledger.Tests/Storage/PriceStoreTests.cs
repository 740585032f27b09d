using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>What an import puts in force, in the process that did it and in others on the same database.</summary>
public sealed class PriceStoreTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TestDatabase _database = new();

    public Task InitializeAsync() => _database.InitializeAsync();

    public Task DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task An_import_is_in_force_when_it_is_answered_and_elsewhere_after_the_next_look()
    {
        var (here, elsewhere) = (new CurrentPrices(Markups.None), new CurrentPrices(Markups.None));
        var other = new PriceStore(_database.Ledger, elsewhere);
        await other.RefreshAsync(CancellationToken.None);
        elsewhere.Pricer.Book.Version.ShouldBe(0);

        await ImportAsync(here, null, ("m", 1.5m));

        here.Pricer.Book.Find("m", Start)!.InputUsdPerToken.ShouldBe(1.5m);
        elsewhere.Pricer.Book.Find("m", Start).ShouldBeNull();
        await other.RefreshAsync(CancellationToken.None);
        elsewhere.Pricer.Book.Find("m", Start).ShouldBe(here.Pricer.Book.Find("m", Start));
        var book = elsewhere.Pricer.Book;
        await other.RefreshAsync(CancellationToken.None);
        elsewhere.Pricer.Book.ShouldBeSameAs(book);
    }

    [Fact]
    public async Task What_is_in_force_after_any_history_is_what_a_new_process_reads_R18()
    {
        var (here, random) = (new CurrentPrices(Markups.None), new Random(18));
        string[] models = ["a", "b", "c", "p/a"];
        for (var day = 0; day < 25; day++)
        {
            var map = models.Where(_ => random.Next(4) > 0).Select(m => (m, random.Next(3) * 0.0000001m)).ToArray();
            await ImportAsync(here, Start.AddDays(day), map.Length > 0 ? map : [("a", 1)]);
        }
        var fresh = new CurrentPrices(Markups.None);
        await new PriceStore(_database.Ledger, fresh).RefreshAsync(CancellationToken.None);

        fresh.Pricer.Book.Version.ShouldBe(here.Pricer.Book.Version);
        fresh.Pricer.Book.Version.ShouldBeGreaterThan(15);
        foreach (var model in (string[])[.. models, "q/b"])
            for (var hour = -12; hour < 26 * 24; hour += 12)
                fresh.Pricer.Book.Find(model, Start.AddHours(hour))
                    .ShouldBe(here.Pricer.Book.Find(model, Start.AddHours(hour)), $"{model} {hour}");
    }

    [Fact]
    public async Task A_start_reads_the_book_and_later_looks_find_what_others_import()
    {
        await ImportAsync(new CurrentPrices(Markups.None), null, ("m", 1));
        var prices = new CurrentPrices(Markups.None);
        using var watch = new PriceWatch(
            new PriceStore(_database.Ledger, prices), Options.Create(new PricingOptions { RefreshSeconds = 1 }),
            new BackgroundJobs(_database.Ledger, TimeProvider.System), NullLogger<PriceWatch>.Instance);

        await watch.StartAsync(CancellationToken.None);
        prices.Pricer.Book.Version.ShouldBe(1);

        await ImportAsync(new CurrentPrices(Markups.None), null, ("m", 2));
        var began = TimeProvider.System.GetTimestamp();
        while (prices.Pricer.Book.Version < 2)
        {
            TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(30));
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }
        await watch.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_database_without_the_tables_does_not_stop_the_start()
    {
        var empty = await TestDatabase.CreateEmptyAsync();
        using var watch = new PriceWatch(
            new PriceStore(empty.Ledger, new CurrentPrices(Markups.None)), Options.Create(new PricingOptions()),
            new BackgroundJobs(empty.Ledger, TimeProvider.System), NullLogger<PriceWatch>.Instance);

        await watch.StartAsync(CancellationToken.None);

        await watch.StopAsync(CancellationToken.None);
        await empty.DisposeAsync();
    }

    private async Task ImportAsync(
        CurrentPrices current, DateTimeOffset? validFrom, params (string Model, decimal Usd)[] prices)
    {
        var map = new PriceMap("litellm", prices.ToDictionary(p => p.Model, p => new TokenPrices(
            "p", p.Usd, p.Usd > 2 ? null : p.Usd * 5, p.Usd / 10, Mode: "chat", OtherPrices: OtherPriceDictionary.Of(
                [KeyValuePair.Create("input_cost_per_token_flex", p.Usd / 2)]))), 0);
        (await new PriceStore(_database.Ledger, current).ImportAsync(
            map, new byte[32], Actor.Service, validFrom, isDryRun: false, allowGone: true, CancellationToken.None))
            .Refusal.ShouldBeNull();
    }
}
