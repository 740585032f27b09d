using Factumerit.Ledger.Api.LiteLlm;
using Factumerit.Ledger.FakeLiteLlm;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>LiteLLM's spend logs, read by pages and on older versions by days.</summary>
public sealed class SpendLogsTests : LiteLlmUnderTest
{
    private static readonly DateTimeOffset Start = new(2026, 3, 30, 23, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_call_of_the_span_is_told_once(bool hasPages)
    {
        Fake.HasPagedLogs = hasPages;
        // Over three days, with calls exactly at midnight and at both ends of the span.
        var calls = Enumerable.Range(0, 260).Select(i => new FakeCall { CallId = $"call-{i}", StartTime = Start.AddMinutes(10 * i), Cost = 0.00000123m * i }).ToList();
        await Fake.MakeCallsAsync(calls);

        var items = await ReadAsync(Start.AddMinutes(10), Start.AddMinutes(10 * 250));

        items.Select(i => i.Call!.Aliases.Single()).ShouldBe(Enumerable.Range(1, 249).Select(i => $"call-{i}"), ignoreOrder: true);
        items.Sum(i => i.Call!.CostUsd).ShouldBe(calls[1..250].Sum(c => c.Cost));
        Fake.RequestsTo("/spend/logs/v2").ShouldBe(hasPages ? 4 : 1);
        Fake.RequestsTo("/spend/logs").ShouldBe(hasPages ? 0 : 3);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_row_carries_what_a_callback_would(bool hasPages)
    {
        Fake.HasPagedLogs = hasPages;
        var made = await MakeKeyAsync("vk-1", "alice");
        var told = new FakeCall
        {
            Key = made.Secret,
            Cost = 1.5e-7m,
            PromptTokens = 100,
            CacheReadTokens = 40,
            EndUser = "bob",
            StartTime = Start.AddMicroseconds(7),
            IsOld = true,
        };
        await Fake.MakeCallsAsync([told]);

        var call = (await ReadAsync(Start, Start.AddHours(1))).ShouldHaveSingleItem().Call.ShouldNotBeNull();

        call.Aliases.ShouldBe([told.ResponseId]);
        (call.KeyHash, call.KeyAlias, call.KeyUserId, call.EndUser).ShouldBe((made.Hash, "vk-1", "alice", "bob"));
        (call.CostUsd, call.PromptTokens, call.CompletionTokens, call.CacheReadTokens).ShouldBe((0.00000015m, 100, 5, 40));
        (call.OccurredAt, call.IsSuccess, call.CacheHit).ShouldBe((told.StartTime, true, false));
    }

    [Fact]
    public async Task An_empty_span_has_no_calls() => (await ReadAsync(Start, Start.AddDays(1))).ShouldBeEmpty();

    [Theory]
    [InlineData(FakeTrouble.Error)]
    [InlineData(FakeTrouble.CutAnswer)]
    public async Task A_page_that_fails_or_breaks_off_is_asked_for_again_whole(FakeTrouble trouble)
    {
        await Fake.MakeCallsAsync([.. Enumerable.Range(0, 50).Select(i => new FakeCall { CallId = $"call-{i}", StartTime = Start })]);
        Fake.Script("/spend/logs/v2", trouble);

        var items = await ReadAsync(Start, Start.AddHours(1));

        items.Select(i => i.Call!.CallId ?? i.Call.ResponseId).ShouldBe(Enumerable.Range(0, 50).Select(i => $"call-{i}"));
    }

    [Fact]
    public async Task A_page_that_keeps_failing_ends_the_reading()
    {
        Fake.Script("/spend/logs/v2", FakeTrouble.Error, count: 3);

        (await Should.ThrowAsync<LiteLlmException>(() => ReadAsync(Start, Start.AddHours(1)))).Status.ShouldBe(500);
    }

    private async Task<List<IntakeItem>> ReadAsync(DateTimeOffset from, DateTimeOffset to)
    {
        var items = new List<IntakeItem>();
        await foreach (var item in SpendLogs.ReadAsync(from, to))
            items.Add(item);
        return items;
    }
}
