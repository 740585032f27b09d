using System.Text.Json;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// A database whose clock jumps ahead, seen from a service whose clock stays behind: up to the bound it is noticed,
/// beyond it nothing is written.
/// </summary>
public sealed class DatabaseClockTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task A_commit_beyond_the_bound_is_refused_and_leaves_nothing_until_the_clock_is_right()
    {
        var (clock, log) = (new WrongClock(), new LogLines<LedgerWriter>());
        await using var writer = new WriterUnderTest(database.ConnectionString, clock: clock, logger: log);
        var user = await writer.RememberedUserAsync(100);
        clock.Behind = TimeSpan.FromSeconds(310);
        // What is remembered of the database's time is good for a second.
        await Task.Delay(TimeSpan.FromSeconds(1.1));

        for (var n = 0; n < 3; n++)
            (await writer.UseAsync(user, 1)).Refusal.ShouldBeOfType<Refusal.Unavailable>().Detail.ShouldContain("310");
        (await writer.GrantAsync(user, 1, "k")).Refusal.ShouldBeOfType<Refusal.Unavailable>();

        log.Lines.ShouldHaveSingleItem().ShouldContain("ahead of this service's");
        clock.Behind = TimeSpan.Zero;
        (await writer.GrantAsync(user, 1, "k")).Answer.ShouldNotBeNull().Budget.BalanceCents.ShouldBe(100);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Beyond_the_bound_the_service_is_not_ready_and_imports_no_prices()
    {
        var clock = new WrongClock();
        await using var writer = new WriterUnderTest(database.ConnectionString, clock: clock);
        var services = new ServiceCollection().AddLogging().AddOptions()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build()).AddSingleton<DatabaseHost>()
            .AddSingleton(database.Ledger).AddSingleton(writer.Writer).AddSingleton<TimeProvider>(clock);
        services.AddHealth();
        await using var provider = services.BuildServiceProvider();
        var health = provider.GetRequiredService<HealthCheckService>();
        var prices = new PriceStore(database.Ledger, new CurrentPrices(Markups.None), clock);
        using var json = JsonDocument.Parse(
            """{"m":{"litellm_provider":"p","input_cost_per_token":1e-06,"output_cost_per_token":1e-06}}""");
        var map = PriceMapReader.Read(json.RootElement).Map!;

        clock.Behind = TimeSpan.FromSeconds(310);
        (await health.CheckHealthAsync(check => check.Name == "database")).Entries["database"].Description
            .ShouldBe("clock ahead");
        (await ImportAsync()).Refusal.ShouldBeOfType<Refusal.Unavailable>().Detail.ShouldContain("310");

        clock.Behind = TimeSpan.Zero;
        (await ImportAsync()).Answer.ShouldNotBeNull().Added.ShouldBe(1);

        Task<Outcome<PriceImport>> ImportAsync() =>
            prices.ImportAsync(map, new byte[32], Actor.Bootstrap, null, isDryRun: false, allowGone: false, default);
    }

    [Fact]
    public async Task Within_the_bound_the_skew_is_logged_once_and_written()
    {
        var (clock, log) = (new WrongClock { Behind = TimeSpan.FromSeconds(60) }, new LogLines<LedgerWriter>());
        await using var writer = new WriterUnderTest(database.ConnectionString, clock: clock, logger: log);

        var user = await writer.UserAsync(5);
        (await writer.GrantAsync(user, 1)).Answer.ShouldNotBeNull();

        log.Lines.ShouldHaveSingleItem().ShouldContain("ahead of this service's");
    }

    // R13 has later commits carry the newest entry's time: the ledger goes on all the same.
    [Fact]
    public Task After_a_jump_ahead_and_back_the_ledger_goes_on() => DatabaseQueries.WithDatabaseAsync(async own =>
    {
        await own.ExecuteAsync($"""
            INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, created_at) VALUES
                ('{Guid.Empty}', 'equity:capital', 5, 0, now() + interval '1 day'),
                ('{Guid.Empty}', 'asset:anthropic', 0, 5, now() + interval '1 day')
            """);
        await using var writer = new WriterUnderTest(own.ConnectionString);

        (await writer.GrantAsync("alice", 5)).Answer.ShouldNotBeNull();
        (await writer.UseAsync("alice", 1)).Answer.ShouldNotBeNull();

        (await new IntegrityCheck(own.Ledger).ReportAsync(full: false, default)).Faults
            .ShouldContain(f => f.Kind == "clock-ahead" && f.Id.StartsWith("entry "));
    });

    // Otherwise a lead would never end under steady load: each commit would move the newest time on.
    [Fact]
    public void R13_while_the_newest_entry_is_ahead_commits_get_its_time_until_the_clock_has_caught_up()
    {
        var time = new FakeTimeProvider();
        var clock = new DatabaseClock(TimeSpan.FromMinutes(5), time, NullLogger.Instance);
        var now = time.GetUtcNow();
        var newest = now.AddMilliseconds(300);
        clock.Set(databaseTime: now, commitTime: newest);

        clock.Estimate().ShouldBe(newest);
        time.Advance(TimeSpan.FromMilliseconds(200));
        clock.Estimate().ShouldBe(newest);
        time.Advance(TimeSpan.FromMilliseconds(200));
        clock.Estimate().ShouldBe(now.AddMilliseconds(400));
    }

    [Fact]
    public async Task A_check_says_that_the_clock_is_ahead()
    {
        var check = new IntegrityCheck(database.Ledger, new WrongClock { Behind = TimeSpan.FromSeconds(310) });

        (await check.ReportAsync(full: false, default)).Faults.ShouldContain(f =>
            f.Kind == "clock-ahead" && f.Id == "database");
        (await new IntegrityCheck(database.Ledger).ReportAsync(full: false, default)).Faults.ShouldBeEmpty();
    }
}
