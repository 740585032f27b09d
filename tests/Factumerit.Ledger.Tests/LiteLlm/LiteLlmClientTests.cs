using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.LiteLlm;
using Microsoft.Extensions.DependencyInjection;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>Makes, finds, blocks and deletes virtual keys at LiteLLM. Callers learn what went wrong.</summary>
public sealed class LiteLlmClientTests : LiteLlmUnderTest
{
    [Fact]
    public async Task A_key_is_made_with_all_that_was_asked_for()
    {
        var made = await Client.MakeKeyAsync(
            new NewLiteLlmKey
            {
                KeyAlias = "vk-1",
                UserId = "vikunja:alice",
                Models = ["gpt-4o"],
                MaxBudget = 12.5m,
                Duration = "30d",
                Metadata = new Dictionary<string, string> { ["user_id"] = "vikunja:alice" },
            },
            CancellationToken.None);

        made.Hash.ShouldBe(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(made.Secret))));
        made.KeyName.ShouldBe($"sk-...{made.Secret[^4..]}");
        made.ToString().ShouldNotContain(made.Secret);
        var kept = Fake.FindByAlias("vk-1").ShouldNotBeNull().ToJson();
        kept["metadata"]!["user_id"]!.GetValue<string>().ShouldBe("vikunja:alice");
        kept["expires"].ShouldNotBeNull();
        kept.ToJsonString().ShouldNotContain(made.Secret);
        (await Client.FindKeyAsync(made.Hash, CancellationToken.None)).ShouldBeEquivalentTo(new LiteLlmKey
        {
            Token = made.Hash,
            KeyName = made.KeyName,
            KeyAlias = "vk-1",
            UserId = "vikunja:alice",
            Spend = 0,
            MaxBudget = 12.5m,
            Blocked = null,
            Models = (List<string>)["gpt-4o"],
        });
    }

    [Fact]
    public async Task A_key_is_blocked_and_unblocked_by_its_hash()
    {
        var made = await MakeKeyAsync();

        await Client.BlockAsync(made.Hash, CancellationToken.None);
        (await Client.FindKeyAsync(made.Hash, CancellationToken.None))!.Blocked.ShouldBe(true);
        (await Fake.MakeCallsAsync([new FakeCall { Key = made.Secret }])).ShouldBe(0);

        await Client.UnblockAsync(made.Hash, CancellationToken.None);
        (await Client.FindKeyAsync(made.Hash, CancellationToken.None))!.Blocked.ShouldBe(false);
        (await Fake.MakeCallsAsync([new FakeCall { Key = made.Secret }])).ShouldBe(1);
    }

    [Fact]
    public async Task A_key_is_deleted_by_hash_or_alias_and_one_that_is_gone_counts_as_deleted()
    {
        var made = await MakeKeyAsync("vk-1");
        await MakeKeyAsync("vk-2");

        for (var time = 0; time < 2; time++)
        {
            await Client.DeleteAsync(made.Hash, CancellationToken.None);
            await Client.DeleteByAliasAsync("vk-2", CancellationToken.None);
        }

        Fake.Keys.ShouldBeEmpty();
        (await Client.FindKeyAsync(made.Hash, CancellationToken.None)).ShouldBeNull();
    }

    [Fact]
    public async Task A_refusal_carries_LiteLLMs_reason_and_is_not_asked_again()
    {
        await MakeKeyAsync("vk-1");

        var refused = await Should.ThrowAsync<LiteLlmException>(() => MakeKeyAsync("vk-1"));

        refused.Failure.ShouldBe(LiteLlmFailure.Refused);
        (refused.Status, refused.MayBeDone).ShouldBe((400, false));
        refused.Message.ShouldBe("LiteLLM answered 400: Key with alias 'vk-1' already exists. Unique key aliases "
            + "across all keys are required.");
        Fake.RequestsTo("/key/generate").ShouldBe(2);
        (await Should.ThrowAsync<LiteLlmException>(
            () => Client.BlockAsync("unknown", CancellationToken.None))).Status.ShouldBe(404);
        Fake.RequestsTo("/key/block").ShouldBe(1);
    }

    [Fact]
    public async Task A_wrong_master_key_is_refused_and_never_shown()
    {
        const string masterKey = "sk-a-wrong-master-key-0987654321";
        await using var services = Services(Fake.Url, masterKey);

        var refused = await Should.ThrowAsync<LiteLlmException>(
            () => services.GetRequiredService<LiteLlmClient>().BlockAsync("hash", CancellationToken.None));

        refused.Failure.ShouldBe(LiteLlmFailure.Refused);
        refused.Message.ShouldBe("LiteLLM answered 401: Authentication Error, "
            + "Invalid proxy server token passed. Received API Key = Bearer ***.");
        refused.ToString().ShouldNotContain("0987654321");
    }

    [Theory]
    [InlineData(FakeTrouble.Error, LiteLlmFailure.Failed, true)]
    [InlineData(FakeTrouble.Busy, LiteLlmFailure.Failed, false)]
    [InlineData(FakeTrouble.Cut, LiteLlmFailure.OutcomeUnknown, true)]
    [InlineData(FakeTrouble.LoseAnswer, LiteLlmFailure.OutcomeUnknown, true)]
    [InlineData(FakeTrouble.CutAnswer, LiteLlmFailure.OutcomeUnknown, true)]
    public async Task Making_a_key_is_asked_once_and_says_whether_it_may_be_done(
        FakeTrouble trouble, LiteLlmFailure failure, bool mayBeDone)
    {
        // On a connection that was used before, which a client might be tempted to ask again on.
        await MakeKeyAsync("vk-0");
        Fake.Script("/key/generate", trouble, retryAfterSeconds: 7);

        var failed = await Should.ThrowAsync<LiteLlmException>(() => MakeKeyAsync("vk-1"));

        (failed.Failure, failed.MayBeDone).ShouldBe((failure, mayBeDone));
        failed.RetryAfter.ShouldBe(trouble == FakeTrouble.Busy ? TimeSpan.FromSeconds(7) : null);
        failed.Message.ShouldNotContain(FakeProxy.MasterKey);
        Fake.RequestsTo("/key/generate").ShouldBe(2);
        (Fake.FindByAlias("vk-1") is not null).ShouldBe(trouble is FakeTrouble.LoseAnswer or FakeTrouble.CutAnswer);
        // Whatever became of it, its alias is enough to make sure that nothing is left.
        await Client.DeleteByAliasAsync("vk-1", CancellationToken.None);
        Fake.Keys.Values.Select(k => k.Alias).ShouldBe(["vk-0"]);
    }

    [Theory]
    [InlineData(FakeTrouble.Error)]
    [InlineData(FakeTrouble.Busy)]
    [InlineData(FakeTrouble.Cut)]
    [InlineData(FakeTrouble.LoseAnswer)]
    [InlineData(FakeTrouble.CutAnswer)]
    public async Task What_may_be_asked_twice_survives_two_troubles(FakeTrouble trouble)
    {
        var made = await MakeKeyAsync();
        foreach (var path in (string[])["/key/block", "/key/info", "/key/delete"])
            Fake.Script(path, trouble, count: 2);

        await Client.BlockAsync(made.Hash, CancellationToken.None);
        (await Client.FindKeyAsync(made.Hash, CancellationToken.None))!.Blocked.ShouldBe(true);
        await Client.DeleteAsync(made.Hash, CancellationToken.None);

        Fake.Keys.ShouldBeEmpty();
        Fake.RequestsTo("/key/block").ShouldBe(3);
    }

    [Fact]
    public async Task A_repeated_delete_whose_404_was_cut_is_asked_again()
    {
        const string Unknown = """{"error":{"message":"Keys not found","code":"404"}}""";
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var serving = ServeAsync(server, ["HTTP/1.1 404 Not Found\r\nContent-Length: 53\r\n\r\n{\"error\":{\"mess",
            $"HTTP/1.1 404 Not Found\r\nContent-Length: {Unknown.Length}\r\n\r\n{Unknown}"]);
        await using var services = Services($"http://{server.LocalEndpoint}");

        await services.GetRequiredService<LiteLlmClient>().DeleteAsync("hash", CancellationToken.None);

        await serving;
    }

    // Answers one request on each connection and closes it.
    private static async Task ServeAsync(TcpListener server, string[] answers)
    {
        foreach (var answer in answers)
        {
            using var client = await server.AcceptTcpClientAsync();
            var stream = client.GetStream();
            var request = new byte[4096];
            var text = "";
            while (!text.Contains("keys", StringComparison.Ordinal))
                text += Encoding.ASCII.GetString(request, 0, await stream.ReadAsync(request));
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
        }
    }

    [Fact]
    public async Task Three_troubles_are_left_to_the_caller()
    {
        var made = await MakeKeyAsync();
        Fake.Script("/key/block", FakeTrouble.Error, count: 3);

        var failed = await Should.ThrowAsync<LiteLlmException>(
            () => Client.BlockAsync(made.Hash, CancellationToken.None));

        (failed.Failure, failed.Status).ShouldBe((LiteLlmFailure.Failed, 500));
        failed.Message.ShouldBe("LiteLLM answered 500: Internal Server Error, the database is away.");
        Fake.RequestsTo("/key/block").ShouldBe(3);
    }

    [Fact]
    public async Task Who_is_asked_to_wait_long_does_not_ask_again()
    {
        Fake.Script("/key/block", FakeTrouble.Busy, retryAfterSeconds: 60);

        var failed = await Should.ThrowAsync<LiteLlmException>(() => Client.BlockAsync("hash", CancellationToken.None));

        failed.RetryAfter.ShouldBe(TimeSpan.FromMinutes(1));
        Fake.RequestsTo("/key/block").ShouldBe(1);
    }

    [Fact]
    public async Task A_slow_LiteLLM_leaves_the_outcome_unknown()
    {
        await using var services = Services(Fake.Url, timeoutMs: 100);
        Fake.Script("/key/generate", FakeTrouble.Slow, delayMs: 60_000);

        var failed = await Should.ThrowAsync<LiteLlmException>(() =>
            services.GetRequiredService<LiteLlmClient>()
                .MakeKeyAsync(new NewLiteLlmKey { KeyAlias = "vk-1" }, CancellationToken.None));

        (failed.Failure, failed.MayBeDone).ShouldBe((LiteLlmFailure.OutcomeUnknown, true));
        failed.Message.ShouldBe("LiteLLM did not answer within 100 ms.");
    }

    [Fact]
    public async Task Who_stops_waiting_gets_no_LiteLlmException()
    {
        Fake.Script("/key/generate", FakeTrouble.Slow, delayMs: 60_000);
        using var stop = new CancellationTokenSource();

        var making = Client.MakeKeyAsync(new NewLiteLlmKey { KeyAlias = "vk-1" }, stop.Token);
        await stop.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => making);
    }

    [Fact]
    public async Task A_LiteLLM_that_is_not_there_has_surely_done_nothing()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://{taken.LocalEndpoint}";
        taken.Stop();
        await using var services = Services(url);

        var failed = await Should.ThrowAsync<LiteLlmException>(() =>
            services.GetRequiredService<LiteLlmClient>()
                .MakeKeyAsync(new NewLiteLlmKey { KeyAlias = "vk-1" }, CancellationToken.None));

        (failed.Failure, failed.MayBeDone).ShouldBe((LiteLlmFailure.Failed, false));
        failed.Message.ShouldBe("LiteLLM can't be reached (ConnectionError).");
    }

    [Fact]
    public async Task An_address_with_a_path_is_kept()
    {
        await using var services = Services($"{Fake.Url}/proxy/");

        var refused = await Should.ThrowAsync<LiteLlmException>(
            () => services.GetRequiredService<LiteLlmClient>().BlockAsync("hash", CancellationToken.None));

        refused.Status.ShouldBe(404);
        Fake.RequestsTo("/proxy/key/block").ShouldBe(1);
    }
}
