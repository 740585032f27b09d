using Factumerit.Ledger.Api.Http;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>A misspelt query parameter is refused on every route, before anything is done.</summary>
public sealed class QueryParameterCheckTests(LedgerService service) : IClassFixture<LedgerService>
{
    private const string Prices =
        """{"m": {"litellm_provider": "openai", "input_cost_per_token": 3e-09, "output_cost_per_token": 15e-09}}""";

    [Theory]
    [InlineData("?dryrun=true", "dryrun")]
    [InlineData("?dry_run", "dry_run")]
    [InlineData("?DRY_RUN=true", "DRY_RUN")]
    [InlineData("?dry_run=true&dry_run=false", "dry_run")]
    [InlineData("?dry_run=true&nonsense=1", "nonsense")]
    public async Task A_misspelt_dry_run_does_not_import(string query, string named)
    {
        (await service.PostAsync($"/prices/import{query}", Prices)).ExpectErrors(named);
        (await service.Database.ScalarAsync<long>("SELECT count(*) FROM price_versions")).ShouldBe(0);
    }

    [Fact]
    public async Task Every_route_refuses_what_it_does_not_read_and_what_comes_twice()
    {
        var footprint = await service.Database.FootprintAsync();
        foreach (var (method, path, names) in Routes())
        {
            var content = method is "POST" or "PATCH" ? new StringContent("{}", null, "application/json") : null;
            (await service.SendAsync(new HttpMethod(method), $"{path}?no_such=1", content, "k", LedgerService.AdminKey))
                .ExpectErrors("no_such").Body.ShouldContain(
                    "is not a query parameter of this route; its parameters are "
                    + string.Join(", ", names.Append("money")) + "\"");
            if (names is [var name, ..])
                (await service.SendAsync(
                    new HttpMethod(method), $"{path}?{name}=1&{name}=1", null, "k", LedgerService.AdminKey))
                    .ExpectErrors(name).Body.ShouldContain("is given more than once");
        }
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    [Fact]
    public async Task Health_and_the_page_pass_over_their_query_and_strangers_learn_nothing()
    {
        (await service.GetAsync("/health/ready?at=1", key: null)).Expect(200);
        (await service.GetAsync("/health/live?a=1&a=2", key: null)).Expect(200);
        (await service.GetAsync("/swagger/index.html?a=1", key: null)).Expect(200);
        (await service.GetAsync("/users?no_such=1", key: null)).ExpectProblem(401, "unauthorized");
    }

    private IEnumerable<(string Method, string Path, IReadOnlyList<string> Names)> Routes() =>
        from route in service.Routes
        where route.Metadata.GetMetadata<IAllowAnonymous>() is null
            || route.RoutePattern.RawText!.StartsWith("/problems", StringComparison.Ordinal)
        from method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        select (method, Fill(route), route.Metadata.GetMetadata<QueryNames>()?.Names ?? []);

    private static string Fill(RouteEndpoint route) =>
        "/" + string.Join('/', route.RoutePattern.PathSegments.Select(segment =>
            segment.Parts[0] is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal ? literal.Content
            : segment.Parts[0] is Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart
            { ParameterPolicies: [{ Content: var constraint }, ..] }
                ? (constraint == "guid" ? $"{Guid.NewGuid()}" : "1")
            : "some"));
}
