using System.Text.Json;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.LiteLlm;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>LiteLLM's calls: record the calls that it sends, and reconcile with its spend logs.</summary>
public static class IntakeEndpoints
{
    public const int IntakeBytesMax = 32 * 1024 * 1024;
    private static readonly TimeSpan SpanMax = TimeSpan.FromDays(31);

    public static void MapIntake(this IEndpointRouteBuilder routes)
    {
        var intake = routes.MapGroup("/intake").WithTags("Intake");
        intake.MapPost("/litellm", TakeInAsync).Allow(Roles.Bot, Roles.Admin)
            .WithMetadata(new RequestSizeLimitAttribute(IntakeBytesMax)).TakesEncoded().StreamsBody().IsHighVolume()
            .Describe(
                "Record calls that LiteLLM reports",
                "Accepts what LiteLLM's generic_api callback sends: a JSON array, JSON lines or a single object, in "
                + "every format of its versions, up to 32 MiB. Each item is processed separately, and recorded once "
                + "under all its ids, whatever the balance. Prompts and completions are ignored.")
            .TakesAnything<JsonElement>();
        intake.MapPost("/litellm/reconcile", ReconcileAsync).Allow(Roles.Admin)
            .Describe(
                "Reconcile with LiteLLM's spend logs",
                "Reads LiteLLM's spend logs of a time span, records the calls that are missing here, and lists the "
                + "calls whose costs differ. Safe to repeat.")
            .Takes<ReconcileRequest>().Refuses("litellm-not-configured", "litellm-failed");
    }

    private static async Task<Results<JsonOk<IntakeAnswer>, ProblemResult>> TakeInAsync(
        HttpContext http, LiteLlmIntake intake, ILogger<LiteLlmIntake> logger)
    {
        var caller = Caller.Of(http);
        if (!caller.MayIntake)
            return Problems.Of(
                http, "forbidden", "This needs an admin key, or a bot key that was made with may_intake.").ToResult();
        var tally = new IntakeTally();
        Refusal? refusal;
        try
        {
            refusal = await intake.TakeInAsync(
                IntakeReader.ReadAsync(http.Request.BodyReader), caller.Actor,
                () => RulesAsync(http), tally.Add);
        }
        // A 4xx means that nothing was done. If a call was recorded, the rest of the body is one more failed item.
        catch (BadHttpRequestException exception) when (tally.HasRecorded)
        {
            tally.AddUnread(NotRead(tally.Count, exception));
            refusal = null;
        }
        finally
        {
            tally.Log(logger);
        }
        return refusal is not null
            ? LedgerResults.Refused(http, refusal)
            : LedgerResults.Ok(
                new IntakeAnswer(
                    tally.Accepted, tally.Replayed, tally.NeedsReview, tally.Skipped, tally.Failed, tally.FailedCount),
                LedgerJson.Default.IntakeAnswer);
    }

    private static IntakeProblem NotRead(int count, BadHttpRequestException exception) => new(
        exception.StatusCode == StatusCodes.Status413PayloadTooLarge ? "payload-too-large" : IntakeReader.Malformed,
        $"The body could not be read any further after {count} items: {exception.Message}");

    private static async ValueTask<Func<string?, string?>> RulesAsync(HttpContext http) =>
        await ApiKeyAuthentication.FindCallerAsync(http) is { MayIntake: true } caller
            ? userId => Forbid(caller, userId)
            : _ => "The API key was revoked or has expired while the body came in.";

    // A key that is bound to users may not record calls without a user either.
    private static string? Forbid(Caller caller, string? userId) =>
        caller.UserPrefix is null ? null
        : userId is null ? $"This key is bound to {caller.Bound}; the call names no user."
        : caller.MayAccess(userId) ? null : caller.Explain(userId);

    private static async Task<Results<JsonOk<Reconciliation>, ProblemResult>> ReconcileAsync(
        HttpContext http, Reconciler reconciler, LiteLlmClient liteLlm)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.ReconcileRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        if (Check(request) is { } wrong)
            return LedgerResults.Refused(http, wrong);
        if (!liteLlm.IsConfigured)
            return LedgerResults.Refused(http, new LiteLlmRefusal.NotConfigured());
        try
        {
            var (from, to, by) = (request.From!.Value, request.To!.Value, Caller.Of(http).Actor);
            var outcome = await reconciler.RunAsync(from, to, by, http.RequestAborted);
            return LedgerResults.Ok(http, outcome, LedgerJson.Default.Reconciliation);
        }
        catch (LiteLlmException exception)
        {
            return LedgerResults.Refused(
                http,
                new LiteLlmRefusal.Failed(
                    $"{exception.Message} Calls recorded before that stay recorded. It is safe to run again."));
        }
    }

    private static Refusal.ValidationFailed? Check(ReconcileRequest request)
    {
        var errors = new FieldErrors(default);
        if (request.From is null)
            errors.Add("from", "is required: a time such as 2026-01-31T00:00:00Z");
        if (request.To is null)
            errors.Add("to", "is required: a time such as 2026-02-01T00:00:00Z");
        if (request.To <= request.From)
            errors.Add("to", "must be after from");
        else if (request.To - request.From > SpanMax)
            errors.Add("to", "must be at most 31 days after from");
        return errors.Any ? errors.ToRefusal() : null;
    }
}
