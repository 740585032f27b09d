using System.Diagnostics.Metrics;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// The intake counts failed and waiting items in the meter, by result and reason, and logs one line without content.
/// </summary>
public sealed class IntakeTallyTests
{
    [Fact]
    public async Task A_request_of_which_something_waits_or_failed_leaves_one_line_of_reasons()
    {
        var database = new TestDatabase();
        await database.InitializeAsync();
        string log;
        await using (var service = Http.ServiceProcess.Start(
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={database.ConnectionString}",
            $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}"))
        {
            using var client = new HttpClient
            {
                BaseAddress = await service.UrlAsync(),
                DefaultRequestHeaders = { Authorization = new("Bearer", LedgerService.AdminKey) }
            };
            foreach (var body in (string[])[
                """[{"id":"c-1","response_cost":0.01},{"id":"c-2","response_cost":0.01},"""
                    + """{"id":"c-3","response_cost":0.01,"metadata":"""
                    + """{"user_api_key_user_id":"private-user"}},"private text"]""",
                """{"id":"c-4","response_cost":0.01,"metadata":{"user_api_key_user_id":"private-user"}}"""])
                (await client.PostAsync(new Uri("/intake/litellm", UriKind.Relative), new StringContent(body)))
                    .EnsureSuccessStatusCode();
            (await service.StopAsync()).ShouldBe(0);
            log = service.Stdout;
        }
        await database.DisposeAsync();

        log.Split('\n').Where(line => line.Contains("LiteLLM reported", StringComparison.Ordinal))
            .ShouldHaveSingleItem()
            .ShouldEndWith("WRN Calls that LiteLLM reported were not billed: "
                + "2 wait for review (no-user 2) and 1 could not be recorded (validation-failed 1)");
        log.ShouldNotContain("private");
    }

    [Fact]
    public void Each_item_is_counted_by_its_result_and_reason()
    {
        var counted = new List<string>();
        using var listener = new MeterListener();
        var flow = new AsyncLocal<bool> { Value = true };
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == LedgerMetrics.MeterName && instrument.Name == "ledger.litellm.intake.items")
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (flow.Value)
                counted.Add($"{value} {string.Join(' ', tags.ToArray().Select(tag => tag.Value))}".TrimEnd());
        });
        listener.Start();
        var tally = new IntakeTally();

        foreach (var status in Enum.GetValues<IntakeStatus>())
            tally.Add(new TakenIn(
                new IntakeItem(0, null, null), status,
                status == IntakeStatus.NeedsReview
                    ? new()
                    {
                        UsageId = Guid.Empty,
                        RequestId = "r",
                        UserId = null,
                        AmountCents = null,
                        BillingStatus = "needs_review",
                        BalanceCents = 0,
                        OccurredAt = default,
                        CreatedAt = default,
                        ReviewReason = "other-price: private",
                    }
                    : null,
                new IntakeProblem("forbidden", "private")));

        counted.ShouldBe(["1 accepted", "1 replayed", "1 needs_review other-price", "1 skipped", "1 failed forbidden"]);
    }
}
