using System.Text.Json.Nodes;
using Factumerit.Ledger.Tests.Database;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// A finished batch that is read repeatedly is billed once, even if its id is missing or meaningless.
/// </summary>
public sealed class ReadingsOfBatchesTests(IntakeService service) : IClassFixture<IntakeService>
{
    private const string HashOne = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";
    private const string HashTwo = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private readonly string _user = $"user-{Guid.NewGuid():N}";

    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData("None", null, null, null)]
    [InlineData(null, null, "call-1", "call-2")]
    [InlineData(HashOne, HashTwo, null, null)]
    [InlineData(HashOne, HashTwo, "call-3", "call-4")]
    // A call id stands where there is no other.
    [InlineData("call-5", "call-6", "call-5", "call-6")]
    [InlineData("batch-1", "batch-1", "call-7", "call-8")]
    public async Task The_same_reading_again_is_a_replay(
        string? firstId, string? secondId, string? firstCall, string? secondCall)
    {
        var first = Reading(firstCall, firstId, 1790000010.5m);
        var second = Reading(secondCall, secondId, 1790008888m);

        Counts(await service.SendAsync(first, second)).ShouldBe([1, 1, 0, 0, 0]);

        (await service.BalanceAsync(_user)).ShouldBe(-42);
        Counts(await service.SendAsync(second)).ShouldBe([0, 1, 0, 0, 0]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(HashOne)]
    public async Task Another_reading_without_an_id_waits_and_is_never_billed_unseen(string? id)
    {
        var more = Reading(null, id, 1790008888m);
        (more["response_cost"], more["completion_tokens"], more["total_tokens"]) = (0.5m, 700, 1100);

        Counts(await service.SendAsync(Reading(null, null, 1790000010.5m), more)).ShouldBe([1, 0, 1, 0, 0]);
        more["startTime"] = 1790009999m;
        Counts(await service.SendAsync(more)).ShouldBe([0, 1, 0, 0, 0]);

        (await service.BalanceAsync(_user)).ShouldBe(-42);
        (await service.Database.RowsAsync("SELECT review_reason, provider_cost_usd FROM llm_usage "
            + $"WHERE user_id = '{_user}' AND billing_status = 'needs_review'"))
            .ShouldBe(["ids-disagree|0.5"]);
    }

    [Fact]
    public async Task Two_batches_with_ids_and_two_users_are_two()
    {
        var other = Reading(null, null, 1790000010.5m);
        other["metadata"] = new JsonObject { ["user_api_key_user_id"] = $"{_user}-2" };

        Counts(await service.SendAsync(
            Reading(null, $"{_user}-a", 1790000010.5m), Reading(null, $"{_user}-b", 1790000010.5m),
            Reading(null, null, 1790000010.5m), other))
            .ShouldBe([4, 0, 0, 0, 0]);

        (await service.BalanceAsync(_user)).ShouldBe(-126);
    }

    [Fact]
    public async Task A_response_without_an_id_that_is_read_twice_waits_once()
    {
        var (first, second) = (Reading(null, null, 1790000010.5m), Reading("call-9", null, 1790008888m));
        (first["call_type"], second["call_type"]) = ("aget_responses", "aget_responses");

        Counts(await service.SendAsync(first, second)).ShouldBe([0, 1, 1, 0, 0]);

        (await service.Database.RowsAsync($"SELECT review_reason FROM llm_usage WHERE user_id = '{_user}'"))
            .ShouldBe(["retrieved"]);
    }

    private JsonObject Reading(string? callId, string? id, decimal start)
    {
        // Ids of batches are the tests' own.
        var payload = Payload(callId, id == "batch-1" ? $"{_user}-1" : id, _user, "0.42", sent: 400, generated: 600);
        (payload["call_type"], payload["total_tokens"], payload["startTime"]) = ("aretrieve_batch", 1000, start);
        return payload;
    }
}
