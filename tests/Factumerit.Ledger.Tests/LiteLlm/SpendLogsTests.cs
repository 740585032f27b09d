using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.LiteLlm;

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
        var calls = Enumerable.Range(0, 260).Select(i => new FakeCall
        {
            CallId = $"call-{i}",
            StartTime = Start.AddMinutes(10 * i),
            Cost = 0.00000123m * i
        }).ToList();
        await Fake.MakeCallsAsync(calls);

        var items = await ReadAsync(Start.AddMinutes(10), Start.AddMinutes(10 * 250));

        items.Select(i => i.Call!.Aliases.Single())
            .ShouldBe(Enumerable.Range(1, 249).Select(i => $"call-{i}"), ignoreOrder: true);
        items.Sum(i => i.Call!.CostUsd).ShouldBe(calls[1..250].Sum(c => c.Cost));
        Fake.RequestsTo("/spend/logs/v2").ShouldBe(hasPages ? 3 : 1);
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
        (call.CostUsd, call.PromptTokens, call.CompletionTokens, call.CacheReadTokens)
            .ShouldBe((0.00000015m, 100, 5, 40));
        (call.OccurredAt, call.IsSuccess, call.CacheHit).ShouldBe((told.StartTime, true, false));
    }

    [Fact]
    public async Task An_empty_span_has_no_calls() => (await ReadAsync(Start, Start.AddDays(1))).ShouldBeEmpty();

    [Theory]
    [InlineData(FakeTrouble.Error)]
    [InlineData(FakeTrouble.CutAnswer)]
    public async Task A_page_that_fails_or_breaks_off_is_asked_for_again_whole(FakeTrouble trouble)
    {
        await Fake.MakeCallsAsync(
            [.. Enumerable.Range(0, 50).Select(i => new FakeCall { CallId = $"call-{i}", StartTime = Start })]);
        Fake.Script("/spend/logs/v2", trouble);

        var items = await ReadAsync(Start, Start.AddHours(1));

        items.Select(i => i.Call!.CallId ?? i.Call.ResponseId)
            .ShouldBe(Enumerable.Range(0, 50).Select(i => $"call-{i}"));
    }

    [Fact]
    public async Task A_page_that_keeps_failing_ends_the_reading()
    {
        Fake.Script("/spend/logs/v2", FakeTrouble.Error, count: 3);

        (await Should.ThrowAsync<LiteLlmException>(() => ReadAsync(Start, Start.AddHours(1)))).Status.ShouldBe(500);
    }

    [Theory]
    [InlineData("{\"detail\":\"Not Found\"}")]
    [InlineData("{\"error\":{\"message\":\"no database\"}}")]
    [InlineData("{\"data\":null}")]
    [InlineData("{\"data\":{}}")]
    [InlineData("{\"data\":\"[]\"}")]
    [InlineData("{\"data\":[{\"request_id\":\"a\"}")]
    [InlineData("[{\"data\":[]}]")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("")]
    [InlineData("<html>Sign in</html>")]
    public async Task What_is_no_page_ends_the_reading(string body)
    {
        Fake.LogsAnswer = _ => body;

        (await Should.ThrowAsync<LiteLlmException>(() => ReadAsync(Start, Start.AddHours(1)))).Message
            .ShouldBe("LiteLLM answered with something that is not a page of spend logs: it has no list in data.");

        Fake.RequestsTo("/spend/logs/v2").ShouldBe(3);
    }

    [Theory]
    [InlineData("{\"detail\":\"Not Found\"}")]
    [InlineData("{\"data\":[]}")]
    [InlineData("[{\"request_id\":\"a\"}")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("<html>Sign in</html>")]
    public async Task What_is_no_list_of_a_day_ends_the_reading(string body)
    {
        (Fake.HasPagedLogs, Fake.LogsAnswer) = (false, _ => body);

        (await Should.ThrowAsync<LiteLlmException>(() => ReadAsync(Start, Start.AddHours(1)))).Message
            .ShouldBe("LiteLLM answered with something that is not a list of spend logs.");
    }

    [Theory]
    [InlineData("", 2)]
    [InlineData(",\"total_pages\":3", 2)]
    [InlineData(",\"total_pages\":null", 2)]
    [InlineData(",\"total_pages\":\"none\"", 2)]
    // By its own count there is no other page.
    [InlineData(",\"total\":2,\"page\":1,\"more\":{\"total_pages\":9},\"total_pages\":1", 1)]
    public async Task A_proxy_that_repeats_its_rows_ends_the_reading(string more, int requests)
    {
        Fake.LogsAnswer = _ => $$"""{"data":[{"request_id":"a"},{"request_id":"b"}]{{more}}}""";

        var reading = ReadAsync(Start, Start.AddHours(1));

        if (requests == 1)
            (await reading).Select(i => i.Call!.ResponseId).ShouldBe(["a", "b"]);
        else
            (await Should.ThrowAsync<LiteLlmException>(() => reading)).Message
                .ShouldBe("LiteLLM answered page 2 of its spend logs with the rows of an earlier page.");
        Fake.RequestsTo("/spend/logs/v2").ShouldBe(requests);
    }

    [Fact]
    public async Task Pages_without_an_end_have_one()
    {
        Fake.LogsAnswer = page => $$"""{"data":[{"request_id":"{{page}}"}]}""";
        var items = new List<IntakeItem>();

        var reading = async () =>
        {
            await foreach (var item in new SpendLogs(Client) { PagesMax = 5 }.ReadAsync(Start, Start.AddHours(1)))
                items.Add(item);
        };

        (await reading.ShouldThrowAsync<LiteLlmException>()).Message
            .ShouldBe("LiteLLM has more than 5 pages of spend logs; ask for a shorter span.");
        items.Select(i => i.Call!.ResponseId).ShouldBe(["1", "2", "3", "4", "5"]);
    }

    private async Task<List<IntakeItem>> ReadAsync(DateTimeOffset from, DateTimeOffset to)
    {
        var items = new List<IntakeItem>();
        await foreach (var item in SpendLogs.ReadAsync(from, to))
            items.Add(item);
        return items;
    }
}
