using System.Globalization;
using System.Text;

namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>
/// Calls as LiteLLM sends them with a batch size of one. LiteLLM waits for the answer while further events pile up, so
/// the latency counts: of 200 connections that send again as soon as they have an answer, of 200 requests at the same
/// moment, and of the first hundred after a start.
/// </summary>
internal sealed class SingleIntake(LedgerUnderLoad ledger, int tag)
{
    private const int Connections = 200;
    private const int Bursts = 20;
    private const int First = 100;
    private const int Starts = 3;

    private readonly List<string> _acknowledged = [];

    public static async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var ledger = await lab.OpenAsync("single", processes: 1, cancellationToken);
        var order = new WrkOrder("intake", Connections, 5);
        var warmUp = await ledger.RunAsync(order with { Seconds = 16 }, cancellationToken);
        var run = await ledger.RunAsync(order, cancellationToken);
        var (bursts, firsts) = await new SingleIntake(ledger, run.Tag).MeasureAsync(cancellationToken);
        ledger.MoreUnacknowledged = (long)(warmUp.Numbers["usages"] + run.Numbers["usages"]);
        await ledger.CloseAsync(cancellationToken);
        lab.Report("POST /intake/litellm, single calls, 200 connections", run.UsagesPerSecond, Unit.PerSecond);
        lab.Report("the same: p50 latency", run.P50Ms, Unit.Milliseconds).Within(must: 15, aim: 10);
        lab.Report("the same: p99 latency", run.P99Ms, Unit.Milliseconds).Within(must: 60, aim: 30);
        lab.Report("200 single calls at the same moment: p50 latency", Percentile(bursts, 50), Unit.Milliseconds);
        lab.Report("the same: p99 latency", Percentile(bursts, 99), Unit.Milliseconds);
        lab.Report("the slowest of the first 100 after a start, median of 3", firsts.Median(), Unit.Milliseconds)
            .Within(must: 1_000, aim: 300);
    }

    private async Task<(List<double> Bursts, List<double> Firsts)> MeasureAsync(CancellationToken cancellationToken)
    {
        var (bursts, firsts) = (new List<double>(), new List<double>());
        for (var burst = 0; burst < Bursts; burst++)
            bursts.AddRange(await SendAtOnceAsync(ledger.Service.Url, Connections, cancellationToken));
        for (var start = 0; start < Starts; start++)
        {
            var service = await ledger.StartServiceAsync(cancellationToken);
            firsts.Add((await SendAtOnceAsync(service.Url, First, cancellationToken)).Max());
            await service.StopAsync();
        }
        ledger.MoreAcknowledged = _acknowledged;
        return (bursts, firsts);
    }

    private async Task<double[]> SendAtOnceAsync(string url, int count, CancellationToken cancellationToken)
    {
        using var client = ledger.CreateClient();
        // The sender's own threads begin with 0.
        var numbers = Enumerable.Range(_acknowledged.Count, count).ToList();
        _acknowledged.AddRange(numbers.Select(number => Calls.RequestId(tag, 1, number)));
        return await Task.WhenAll(numbers.Select(number => SendAsync(client, url, number, cancellationToken)));
    }

    private async Task<double> SendAsync(HttpClient client, string url, int number, CancellationToken cancellationToken)
    {
        var (id, call) = (Calls.RequestId(tag, 1, number), Calls.Of(1, number, Calls.Users));
        using var body = new StringContent(
            string.Create(CultureInfo.InvariantCulture, $$"""
                [{"id":"r-{{id}}","litellm_call_id":"{{id}}","status":"success",
                "response_cost":{{call.Cents / 100}},"model":"{{Calls.Model}}",
                "prompt_tokens":{{call.PromptTokens}},"completion_tokens":{{call.CompletionTokens}},
                "startTime":1769860800.25,
                "metadata":{"user_api_key_user_id":"{{Calls.User(call.User)}}"} }]
                """),
            Encoding.UTF8, "application/json");
        var began = TimeProvider.System.GetTimestamp();
        using var answer = await client.PostAsync(new Uri($"{url}/intake/litellm"), body, cancellationToken);
        answer.EnsureSuccessStatusCode();
        return TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
    }

    private static double Percentile(List<double> values, int percent)
    {
        values.Sort();
        return values[Math.Min(values.Count - 1, values.Count * percent / 100)];
    }
}
