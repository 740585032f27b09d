using System.Text.Json;
using System.Text.Json.Nodes;
using Factumerit.Ledger.Api.Endpoints;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// The API page at /swagger: every route with its summary, roles and examples, and every problem it can return.
/// </summary>
public static class OpenApi
{
    /// <summary>The format of numbers that a double would round.</summary>
    public const string DecimalFormat = "decimal";

    private const string SchemeId = "ApiKey";

    // In the order of a reader's interest: users first, problems and health last.
    private static readonly (string Name, string Description)[] Tags =
    [
        ("Users", "Users and their budgets."),
        ("Usage", "LLM calls, and the review of those without a price."),
        ("Holds", "Credit set aside before calls."),
        ("Intake", "Calls that LiteLLM reports."),
        ("Prices", "The price book."),
        ("Credit", "Grants, purchases and write-downs."),
        ("Ledger", "Balances, transactions and checks of the books."),
        ("Reports", "Costs and revenue of calls."),
        ("Virtual keys", "Users' keys at LiteLLM."),
        ("API keys", "Keys of the callers of this service."),
        ("Audit log", "Changes that move no money."),
        ("Problems", "Explanations of problem codes."),
        ("Health", "Liveness and readiness."),
    ];

    public static void AddApiPage(this IServiceCollection services)
    {
        services.AddEndpointsApiExplorer();
        services.AddSwaggerGen(options =>
        {
            options.SwaggerDoc("v1", new OpenApiInfo
            {
                Title = "Factumerit.Ledger",
                Version = "v1",
                Description = "A double-entry ledger of prepaid LLM credit. "
                    + "Amounts are US cents with at most 7 decimals; times are UTC. "
                    + "Requests that move money carry an idempotency key and are safe to retry. "
                    + "Numbers of the format decimal are exact: a client that reads numbers as doubles can get them "
                    + "as strings, with money=string in the query or Accept: application/json; money=string.",
                License = new OpenApiLicense { Name = "MIT", Url = new Uri("https://opensource.org/license/mit") },
            });
            options.SupportNonNullableReferenceTypes();
            options.NonNullableReferenceTypesAsRequired();
            options.MapType<decimal>(() => new OpenApiSchema { Type = JsonSchemaType.Number, Format = DecimalFormat });
            options.MapType<decimal?>(() => new OpenApiSchema
            {
                Type = JsonSchemaType.Number | JsonSchemaType.Null,
                Format = DecimalFormat,
            });
            options.MapType<ExactNumber>(
                () => new OpenApiSchema { Type = JsonSchemaType.Number, Format = DecimalFormat });
            // Lets a field that refers to another schema be nullable.
            options.UseAllOfToExtendReferenceSchemas();
            foreach (var assembly in new[] { typeof(OpenApi).Assembly, typeof(LedgerJson).Assembly })
                options.IncludeXmlComments(assembly);
            options.AddSecurityDefinition(SchemeId, new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An API key.",
            });
            options.OrderActionsBy(route =>
            {
                var name = route.ActionDescriptor.EndpointMetadata.OfType<ITagsMetadata>().FirstOrDefault()?.Tags[0];
                return $"{Array.FindIndex(Tags, tag => tag.Name == name):00} {route.RelativePath}";
            });
            options.OperationFilter<RouteDescriptionFilter>();
            options.SchemaFilter<ApiSchemas>();
            options.DocumentFilter<TagsAndServersFilter>();
        });
    }

    public static void UseApiPage(this WebApplication app)
    {
        app.MapGet("/", () => Results.LocalRedirect("~/swagger"))
            .AllowAnonymous().TakesAnyQuery().ExcludeFromDescription();
        // A branch keeps this middleware out of all other requests.
        app.UseWhen(http => http.Request.Path.StartsWithSegments("/swagger"), branch => branch
            .UseContentSecurityPolicy()
            .UseSwagger()
            .UseSwaggerUI(page =>
            {
                page.DocumentTitle = "Factumerit.Ledger API";
                page.SwaggerEndpoint("v1/swagger.json", "v1");
                page.EnablePersistAuthorization();
                page.EnableDeepLinking();
            }));
    }

    private sealed class RouteDescriptionFilter : IOperationFilter
    {
        public void Apply(OpenApiOperation operation, OperationFilterContext context)
        {
            var notes = context.ApiDescription.ActionDescriptor.EndpointMetadata;
            operation.Parameters ??= [];
            // Public routes need no key.
            operation.Security = [];
            if (notes.OfType<AllowedRoles>().FirstOrDefault() is { } allowed)
            {
                operation.Description = $"{operation.Description}\n\nRoles: {string.Join(", ", allowed.Roles)}.";
                operation.Security =
                [
                    new OpenApiSecurityRequirement
                    {
                        [new OpenApiSecuritySchemeReference(SchemeId, context.Document)] = [],
                    },
                ];
            }
            // The examples are listed by path without the router's constraints.
            var path = context.ApiDescription.RelativePath?.TrimEnd('/').Replace(":guid", "", StringComparison.Ordinal)
                .Replace(":long", "", StringComparison.Ordinal).Replace("{**", "{", StringComparison.Ordinal);
            var route = $"{context.ApiDescription.HttpMethod} /{path}";
            foreach (var name in notes.OfType<QueryNames>().SelectMany(q => q.Names))
                operation.Parameters.Add(Parameter(
                    name, ParameterLocation.Query,
                    ApiExamples.QueryParameters.GetValueOrDefault($"{route}?{name}")
                        ?? ApiExamples.QueryParameters[name],
                    isId: name == "before" && notes.OfType<ITagsMetadata>().Any(t => t.Tags.Contains("Usage")),
                    words: ApiExamples.QueryWords.GetValueOrDefault($"{route}?{name}")
                        ?? ApiExamples.QueryWords.GetValueOrDefault(name)));
            if (notes.OfType<ReadsIdempotencyKey>().FirstOrDefault() is { } key)
                operation.Parameters.Add(route == "POST /usage"
                    ? Parameter(IdempotencyHeaders.Key, ParameterLocation.Header, ApiExamples.UsageIdempotencyKey)
                    : Parameter(
                        IdempotencyHeaders.Key, ParameterLocation.Header, ApiExamples.IdempotencyKey, key.IsRequired));
            operation.OperationId = OperationIds.ByRoute.GetValueOrDefault(route);
            if (operation.Security.Count > 0)
                operation.Parameters.Add(Parameter(
                    MoneyAsText.Parameter, ParameterLocation.Query,
                    "string returns exact decimals as strings; default: number.",
                    words: ApiExamples.QueryWords[MoneyAsText.Parameter]));
            AddExamples(operation, route);
            AddProblems(operation, context, notes.OfType<ProblemCodes>().SelectMany(p => p.Codes).Distinct());
        }

        private static OpenApiParameter Parameter(
            string name, ParameterLocation location, string description,
            bool required = false, bool isId = false, string[]? words = null) => new()
            {
                Name = name,
                In = location,
                Description = description,
                Required = required,
                Schema = name switch
                {
                    "limit" => new OpenApiSchema
                    {
                        Type = JsonSchemaType.Integer,
                        Minimum = "1",
                        Maximum = $"{QueryReader.LimitMax}",
                    },
                    "before" when !isId => new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int64" },
                    _ => new OpenApiSchema
                    {
                        Type = JsonSchemaType.String,
                        Enum = words is null ? null : [.. words.Select(word => (JsonNode)word)],
                    },
                },
            };

        private static void AddExamples(OpenApiOperation operation, string route)
        {
            if (ApiExamples.RequestBodies.TryGetValue(route, out var sent))
                SetExample(operation.RequestBody?.Content, sent);
            if (ApiExamples.ResponseBodies.TryGetValue(route, out var answered))
                foreach (var response in operation.Responses!.Values)
                    SetExample(response.Content, answered);
        }

        private static void SetExample(IDictionary<string, IOpenApiMediaType>? content, string json)
        {
            if (content is not null && content.TryGetValue("application/json", out var type)
                && type is OpenApiMediaType media)
                media.Example = JsonNode.Parse(json);
        }

        private static void AddProblems(
            OpenApiOperation operation, OperationFilterContext context, IEnumerable<string> codes)
        {
            var schema = context.SchemaGenerator.GenerateSchema(typeof(Problem), context.SchemaRepository);
            foreach (var kinds in codes.Select(ProblemCatalog.Find).GroupBy(k => k.Status).OrderBy(g => g.Key))
            {
                var content = new OpenApiMediaType
                {
                    Schema = schema,
                    Examples = new Dictionary<string, IOpenApiExample>(),
                };
                foreach (var kind in kinds)
                    content.Examples[kind.Code] = new OpenApiExample { Summary = kind.Title, Value = Example(kind) };
                var status = kinds.Key.ToString(System.Globalization.CultureInfo.InvariantCulture);
                operation.Responses![status] = new OpenApiResponse
                {
                    Description = string.Join("\n\n", kinds.Select(k => $"`{k.Code}`: {k.Title}. {k.WhatToDo}")),
                    Content = new Dictionary<string, IOpenApiMediaType> { ["application/problem+json"] = content },
                };
            }
        }

        private static JsonNode? Example(ProblemKind kind)
        {
            var problem = new Problem
            {
                Type = $"/problems/{kind.Code}",
                Title = kind.Title,
                Status = kind.Status,
                Detail = kind.WhatToDo,
                Code = kind.Code,
                TraceId = "0af7651916cd43dd8448eb211c80319c",
            };
            return JsonSerializer.SerializeToNode(kind.Code switch
            {
                "validation-failed" => problem with
                {
                    Errors = new Dictionary<string, string[]> { ["user_id"] = ["is required"] },
                },
                "insufficient-credit" => problem with { BalanceCents = -0.0165m, AvailableCents = -0.0165m },
                "hold-closed" => problem with { State = Hold.Expired },
                "insufficient-anthropic-credits" => problem with { AvailableCents = 40, RequestedCents = 100 },
                "insufficient-provider-credit" => problem with { AvailableCents = 40, RequestedCents = 100 },
                _ => problem,
            }, LedgerJson.Default.Problem);
        }
    }

    private sealed class TagsAndServersFilter : IDocumentFilter
    {
        public void Apply(OpenApiDocument document, DocumentFilterContext context)
        {
            document.Tags = Tags
                .Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Description }).ToHashSet();
            // The document's own host, unless a proxy serves it below a path.
            if (document.Servers is not { Count: > 0 })
                document.Servers = [new OpenApiServer { Url = "/" }];
        }
    }
}
