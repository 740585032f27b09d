using System.Net;
using Factumerit.Ledger.Client;
using Factumerit.Ledger.Tests.Cli;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Client;

/// <summary>What the client does when an answer is late, lost or a refusal.</summary>
public sealed class LedgerClientRetryTests(LedgerService service) : IClassFixture<LedgerService>
{
    private const string Unavailable =
        """{"type":"t","title":"t","status":503,"detail":"The database is away.","code":"unavailable"}""";

    private static readonly LedgerClientOptions Quick = new() { Time = new InstantTime() };

    [Fact]
    public async Task A_grant_whose_answer_is_lost_is_sent_again_under_its_key_and_posted_once()
    {
        await using var cutter = new AnswerCutter(service.Url);
        using var ledger = new LedgerClient(cutter.Url, LedgerService.AdminKey, Quick);
        var userId = await service.UserAsync(0);
        cutter.Lose(2);

        var grant = await ledger.GrantAsync(new GrantRequest { UserId = userId, AmountCents = 5 });

        cutter.Lost.ShouldBe(2);
        grant.Budget.BalanceCents.ShouldBe(5);
        (await service.BalanceAsync(userId)).ShouldBe(5);
        var entries = await ledger.ListUserEntriesAsync(userId).ToListAsync();
        entries.ShouldHaveSingleItem().TransactionId.ShouldBe(grant.TransactionId);
    }

    [Fact]
    public async Task A_usage_whose_answer_is_lost_is_recorded_once()
    {
        await using var cutter = new AnswerCutter(service.Url);
        using var ledger = new LedgerClient(cutter.Url, LedgerService.AdminKey, Quick);
        var userId = await service.UserAsync(10);
        cutter.Lose(1);

        var usage = await ledger.RecordUsageAsync(new UsageRequest { UserId = userId, AmountCents = 1 });

        cutter.Lost.ShouldBe(1);
        usage.BalanceCents.ShouldBe(9);
        (await service.BalanceAsync(userId)).ShouldBe(9);
    }

    [Fact]
    public async Task An_unknown_outcome_carries_the_key_that_makes_it_safe_to_send_again()
    {
        await using var cutter = new AnswerCutter(service.Url);
        using var ledger = new LedgerClient(cutter.Url, LedgerService.AdminKey, Quick with { AttemptsMax = 1 });
        var userId = await service.UserAsync(0);
        var request = new GrantRequest { UserId = userId, AmountCents = 5 };
        cutter.Lose(1);

        var unknown = await Should.ThrowAsync<LedgerOutcomeUnknownException>(ledger.GrantAsync(request));

        var grant = await ledger.GrantAsync(request, unknown.IdempotencyKey);
        grant.Budget.BalanceCents.ShouldBe(5);
        (await service.BalanceAsync(userId)).ShouldBe(5);
    }

    [Fact]
    public async Task A_request_without_a_key_is_sent_once()
    {
        await using var cutter = new AnswerCutter(service.Url);
        using var ledger = new LedgerClient(cutter.Url, LedgerService.AdminKey, Quick);
        cutter.Lose(1);

        var unknown = await Should.ThrowAsync<LedgerOutcomeUnknownException>(
            ledger.CreateApiKeyAsync(new ApiKeyRequest { Name = $"ops {Guid.NewGuid():N}", Role = "ops" }));

        unknown.IdempotencyKey.ShouldBeNull();
        cutter.Lost.ShouldBe(1);
    }

    [Fact]
    public async Task A_busy_service_is_asked_again_as_late_as_it_says()
    {
        await using var fake = await FakeLedger.StartAsync();
        var time = new InstantTime();
        fake.Answers(503, Unavailable, ("Retry-After", "7")).Answers(429, Unavailable.Replace("503", "429"))
            .Answers(200, """{"user_id":"alice","balance_cents":5,"a_field_of_a_newer_service":1}""");
        using var ledger = new LedgerClient(
            new Uri(fake.Url), FakeLedger.ApiKey, new LedgerClientOptions { Time = time });

        (await ledger.GetUserAsync("alice")).BalanceCents.ShouldBe(5);

        fake.Requests.Count.ShouldBe(3);
        time.Waits[0].ShouldBe(TimeSpan.FromSeconds(7));
        time.Waits[1].ShouldBeInRange(TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(400));
    }

    [Fact]
    public async Task A_service_that_stays_busy_is_a_problem_and_one_that_asks_for_too_patientis_not_asked_again()
    {
        await using var fake = await FakeLedger.StartAsync();
        for (var attempt = 0; attempt < 5; attempt++)
            fake.Answers(503, Unavailable);
        fake.Answers(503, Unavailable, ("Retry-After", "3600"));
        using var ledger = new LedgerClient(new Uri(fake.Url), FakeLedger.ApiKey, Quick);

        var busy = await Should.ThrowAsync<LedgerProblemException>(ledger.GetHeadroomAsync());
        var patient = await Should.ThrowAsync<LedgerProblemException>(ledger.GetHeadroomAsync());

        (busy.Status, busy.Problem.Code).ShouldBe((HttpStatusCode.ServiceUnavailable, "unavailable"));
        patient.RetryAfter.ShouldBe(TimeSpan.FromHours(1));
        fake.Requests.Count.ShouldBe(6);
    }

    [Fact]
    public async Task A_refusal_is_a_problem_and_is_not_sent_again()
    {
        using var ledger = new LedgerClient(service.Url, LedgerService.AdminKey, Quick);

        var refusal = await Should.ThrowAsync<LedgerProblemException>(
            ledger.GrantAsync(new GrantRequest { UserId = "no such id!", AmountCents = 0 }));

        refusal.Status.ShouldBe(HttpStatusCode.BadRequest);
        refusal.Problem.Code.ShouldBe("validation-failed");
        refusal.Problem.Errors!.Keys.ShouldBe(["user_id", "amount_cents"], ignoreOrder: true);
        (await Should.ThrowAsync<LedgerProblemException>(ledger.GetUserAsync("nobody"))).Problem.Code
            .ShouldBe("user-not-found");
    }

    [Fact]
    public async Task What_is_no_ledger_is_told_apart()
    {
        await using var fake = await FakeLedger.StartAsync();
        fake.Answers(200, "<html>").Answers(200, "{}").Answers(404, "<html>");
        using var ledger = new LedgerClient(new Uri(fake.Url), FakeLedger.ApiKey, Quick);

        for (var answer = 0; answer < 3; answer++)
            await Should.ThrowAsync<LedgerAnswerException>(ledger.GetHeadroomAsync());
        using var nobody = new LedgerClient(
            new Uri("http://127.0.0.1:1"), FakeLedger.ApiKey, Quick with { AttemptsMax = 2 });
        await Should.ThrowAsync<LedgerUnreachableException>(nobody.GetHeadroomAsync());
    }
}
