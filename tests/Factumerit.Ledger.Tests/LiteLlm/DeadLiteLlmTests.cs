using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>A LiteLLM that is there no more (R20).</summary>
public sealed class DeadLiteLlmTests
{
    [Fact]
    public async Task R20_postings_go_on_when_LiteLLM_is_dead_and_what_it_has_to_be_told_is_seen()
    {
        var service = new LiteLlmService();
        await service.InitializeAsync();
        try
        {
            var user = await service.UserAsync(10);
            var key = await service.VirtualKeyAsync(user);
            await service.Fake.DisposeAsync();

            await service.UseAsync(user, 10);
            await service.GrantAsync(user, 5);
            (await service.BalanceAsync(user)).ShouldBe(5);
            await LiteLlmService.UntilAsync(async () => (await service.ShownAsync(user, key.Id))
                .GetProperty("pending").GetProperty("last_error").GetString() is not null);

            var pending = (await service.ShownAsync(user, key.Id)).GetProperty("pending");
            pending.GetProperty("action").GetString().ShouldBe("block");
            pending.GetProperty("last_error").GetString().ShouldBe("LiteLLM can't be reached (ConnectionError).");
            (await service.PostAsync("/virtual-keys", new { user_id = user, label = "l" }))
                .ExpectProblem(502, "litellm-failed")
                .Text("detail").ShouldBe("LiteLLM can't be reached (ConnectionError).");
            var revoked = (await service.DeleteAsync($"/virtual-keys/{key.Id}")).Expect(200);
            revoked.Text("status").ShouldBe("revoking");
            revoked.Json.GetProperty("pending").GetProperty("action").GetString().ShouldBe("delete");
        }
        finally
        {
            await service.DisposeAsync();
        }
    }
}
