namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// A problem as a response. Its type can't state which codes a route returns: routes declare them with
/// <see cref="RouteDescriptions.Refuses"/>.
/// </summary>
public sealed class ProblemResult(Problem problem) : IResult, IStatusCodeHttpResult, IValueHttpResult<Problem>
{
    public Problem Value => problem;

    int? IStatusCodeHttpResult.StatusCode => problem.Status;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        Problems.WriteHead(httpContext.Response, problem.Status);
        BufferedJson.Write(
            httpContext.Response, problem, MoneyAsText.TypeFor(httpContext.Request, LedgerJson.Default.Problem));
        return Task.CompletedTask;
    }
}
