using System.Net.Http.Json;

namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>
/// Calls whose price the service works out, and calls that LiteLLM reports. Each must cost its user as much as a plain
/// report of it.
/// </summary>
internal static class DualCost
{
    private const int TurnCount = 5;
    private const int IntakeConnections = 8;

    /// <summary>POST /usage with an amount, and without one on a model in the price book, take turns.</summary>
    public static async Task PriceBookAsync(Lab lab, CancellationToken cancellationToken)
    {
        var ledger = await lab.WarmAsync(cancellationToken);
        await ImportPriceAsync(ledger, cancellationToken);
        var (plain, priced) = (new WrkOrder("usage", 256, 3), new WrkOrder("dual", 256, 3));
        await ledger.RunAsync(priced with { Seconds = 6 }, cancellationToken);
        var (plainRates, pricedRates) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < TurnCount; turn++)
        {
            plainRates.Add((await ledger.RunAsync(plain, cancellationToken)).UsagesPerSecond);
            pricedRates.Add((await ledger.RunAsync(priced, cancellationToken)).UsagesPerSecond);
        }
        lab.Report("POST /usage, 256 connections, price book and both costs", pricedRates.Median(), Unit.PerSecond)
            .Against(
                "amount_cents alone in turn with it", 100 * Turns.Ratio(pricedRates, plainRates), Unit.Percent,
                must: 85, aim: 95);
    }

    public static async Task IntakeAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var ledger = await lab.OpenAsync("intake", processes: 1, cancellationToken);
        var order = new WrkOrder("intake", IntakeConnections, 5) { CallsPerRequest = 100 };
        var warmUp = await ledger.RunAsync(order with { Seconds = 8 }, cancellationToken);
        var run = await ledger.RunAsync(order, cancellationToken);
        var peak = ledger.Service.PeakMegabytes;
        // The answers report how many usages were recorded, not which. The audit checks each recorded usage; the checks
        // below show that none is missing.
        var told = (long)(warmUp.Numbers["usages"] + run.Numbers["usages"]);
        ledger.MoreUnacknowledged = told;
        await ledger.CloseAsync(cancellationToken);
        if (ledger.Usages < told)
            lab.Fail($"intake: {told} calls were acknowledged, and {ledger.Usages} are there");
        if (run.Numbers["usages"] < run.Status(200) * order.CallsPerRequest)
            lab.Fail($"intake: {run.Status(200)} answers acknowledged only {run.Numbers["usages"]} calls");
        lab.Report("POST /intake/litellm, 100 calls of 10 KB each", run.UsagesPerSecond, Unit.PerSecond)
            .Within(must: 5_000, aim: 8_000, atLeast: true);
        lab.Report("the same: memory of the service at its highest", peak, Unit.Megabytes);
    }

    private static async Task ImportPriceAsync(LedgerUnderLoad ledger, CancellationToken cancellationToken)
    {
        var price = new Dictionary<string, object>
        {
            ["litellm_provider"] = "anthropic",
            ["input_cost_per_token"] = 0.000001m,
            ["output_cost_per_token"] = 0.000001m,
        };
        using var client = ledger.CreateClient();
        using var answer = await client.PostAsJsonAsync(
            "/prices/import", new Dictionary<string, object> { ["bench-model"] = price }, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }
}
