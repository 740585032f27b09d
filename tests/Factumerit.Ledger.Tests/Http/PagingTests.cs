namespace Factumerit.Ledger.Tests.Http;

/// <summary>Every list, page by page: no row twice, none missing, in its order; and the filters.</summary>
public sealed class PagingTests(PagingTests.Rows rows) : IClassFixture<PagingTests.Rows>
{
    /// <summary>Seven users of two prefixes, one of them with a longer history.</summary>
    public sealed class Rows : LedgerService
    {
        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            foreach (var user in (string[])["a:1", "a:2", "a:3", "b:1", "b:2", "a_1"])
                await UserAsync(10, user);
            await UserAsync(0, "c:empty");
            (await PostAsync("/purchases", new { credits_cents = 100, sales_tax_cents = 1 }, "p")).Expect(201);
            for (var call = 0; call < 6; call++)
                (await PostAsync("/usage", new { user_id = "a:1", amount_cents = 1, request_id = $"r{call}" }))
                    .Expect(201);
        }
    }

    private const string LimitError = "must be a whole number from 1 to 1000";

    [Theory]
    [InlineData("/users?", "users", "after", "user_id", 7)]
    [InlineData("/users?prefix=a:&", "users", "after", "user_id", 3)]
    [InlineData("/users/a:1/entries?", "entries", "before", "id", 7)]
    [InlineData("/users/a:1/transactions?", "transactions", "before", "id", 7)]
    [InlineData("/usage?", "usages", "before", "usage_id", 6)]
    [InlineData("/usage?user_id=a:1&billing_status=billed&", "usages", "before", "usage_id", 6)]
    [InlineData("/ledger/balances?", "accounts", "after", "account", 11)]
    [InlineData("/ledger/balances?type=user&", "accounts", "after", "account", 6)]
    public async Task Pages_of_any_size_hold_every_row_once(
        string path, string list, string cursor, string key, int count)
    {
        var whole = Keys((await rows.GetAsync($"{path}limit=1000")).Expect(200), list, key);
        whole.Count.ShouldBe(count);
        whole.Distinct().Count().ShouldBe(count);

        for (var limit = 1; limit <= count; limit++)
            (await ReadAllAsync(path, list, cursor, key, limit)).ShouldBe(whole, $"limit {limit}");
    }

    [Theory]
    [InlineData("/users?")]
    [InlineData("/users/a:1/entries?")]
    [InlineData("/users/a:1/transactions?")]
    [InlineData("/usage?")]
    [InlineData("/ledger/balances?")]
    public async Task A_limit_is_a_whole_number_from_1_to_1000(string path)
    {
        foreach (var limit in (string[])["0", "1001", "abc", "-1", "1.5", "1e2", "%2B5", "99999999999999999999", "%00"])
            (await rows.GetAsync($"{path}limit={limit}")).ExpectErrors("limit");
        (await rows.GetAsync($"{path}limit=0")).Text("detail").ShouldBe($"limit {LimitError}.");
        foreach (var limit in (string[])["1", "1000", ""])
            (await rows.GetAsync($"{path}limit={limit}")).Expect(200);
    }

    [Theory]
    [InlineData("/users/a:1/entries?before=")]
    [InlineData("/users/a:1/transactions?before=")]
    public async Task A_cursor_that_no_page_gave_is_refused(string path)
    {
        foreach (var before in (string[])["abc", "-1", "1.5", "99999999999999999999", "%00"])
            (await rows.GetAsync(path + before)).ExpectErrors("before");
        (await rows.GetAsync(path + "0")).Expect(200).Next("next_before").ShouldBeNull();
    }

    [Theory]
    [InlineData("/users?prefix=%00", "prefix")]
    [InlineData("/users?after=%00", "after")]
    [InlineData("/users?prefix=%0A&after=%01&limit=0", "prefix", "after", "limit")]
    [InlineData("/ledger/balances?after=%00", "after")]
    [InlineData("/ledger/balances?type=liability", "type")]
    [InlineData("/ledger/balances?type=User&limit=x", "type", "limit")]
    public async Task Garbage_in_a_query_is_refused_by_name(string path, params string[] names) =>
        (await rows.GetAsync(path)).ExpectErrors(names);

    [Theory]
    [InlineData("/users?prefix=a%25")]
    [InlineData("/users?prefix=%27%20OR%201=1--")]
    [InlineData("/users?prefix=%FF%FE")]
    [InlineData("/users?after=zzz")]
    [InlineData("/users?prefix=%5C")]
    public async Task A_prefix_is_taken_literally(string path) =>
        (await rows.GetAsync(path)).Expect(200).ShouldRead("""{"users":[],"next_after":null}""");

    [Fact]
    public async Task An_underscore_in_a_prefix_stands_for_itself() =>
        Keys((await rows.GetAsync("/users?prefix=a_")).Expect(200), "users", "user_id").ShouldBe(["a_1"]);

    [Theory]
    [InlineData("zzz")]
    [InlineData("user;")]
    [InlineData("usez")]
    [InlineData("user:b:2")]
    public async Task Nothing_comes_after_the_last_account(string after) =>
        (await rows.GetAsync($"/ledger/balances?after={after}"))
            .Expect(200).ShouldRead("""{"accounts":[],"next_after":null}""");

    [Theory]
    [InlineData("user", "user:a:1", "user:a:2", "user:a:3", "user:a_1", "user:b:1", "user:b:2")]
    [InlineData("asset", "asset:anthropic")]
    [InlineData("expense", "expense:api", "expense:sales_tax")]
    [InlineData("equity", "equity:capital", "equity:grants")]
    public async Task Balances_of_a_type_are_of_that_type_only(string type, params string[] accounts)
    {
        var reply = (await rows.GetAsync($"/ledger/balances?type={type}")).Expect(200);

        Keys(reply, "accounts", "account").ShouldBe(accounts);
        reply.List("accounts").ShouldAllBe(account => account.GetProperty("type").GetString() == type);
    }

    private async Task<List<string>> ReadAllAsync(string path, string list, string cursor, string key, int limit)
    {
        var read = new List<string>();
        for (var next = ""; next is not null;)
        {
            var page = (await rows.GetAsync(
                $"{path}limit={limit}{(next == "" ? "" : $"&{cursor}={Uri.EscapeDataString(next)}")}")).Expect(200);
            page.List(list).Count.ShouldBeInRange(1, limit);
            read.AddRange(Keys(page, list, key));
            next = page.Next($"next_{cursor}");
            read.Count.ShouldBeLessThan(100);
        }
        return read;
    }

    private static List<string> Keys(Reply reply, string list, string key) =>
        [.. reply.List(list).Select(row => row.GetProperty(key).ToString())];
}
