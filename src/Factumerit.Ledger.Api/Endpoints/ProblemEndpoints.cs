using Factumerit.Ledger.Api.Http;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Explains the type of a problem: its meaning, and what to do about it.</summary>
public static class ProblemEndpoints
{
    public static void MapProblems(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/problems/{code}", (HttpContext http, string code) =>
            LedgerResults.Found(
                http,
                ProblemCatalog.TryFind(code),
                LedgerJson.Default.ProblemKind,
                () => new Refusal.NotFound($"problem with the code {code}")))
            .AllowAnonymous().WithTags("Problems").WithSummary("Explain a problem").WithDescription("For anyone.")
            .Refuses("validation-failed", "not-found");
}
