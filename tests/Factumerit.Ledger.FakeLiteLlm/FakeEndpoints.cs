using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Factumerit.Ledger.FakeLiteLlm;

/// <summary>
/// What LiteLLM does not have: calls made to order, faults, and a look inside. Nobody needs a key here.
/// </summary>
internal static class FakeEndpoints
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    public static void Map(IEndpointRouteBuilder routes, FakeProxy fake)
    {
        routes.MapPost("/fake/calls", (HttpContext http, CancellationToken stop) => MakeCallsAsync(fake, http, stop));
        routes.MapPost("/fake/script", (HttpContext http, CancellationToken stop) => ScriptAsync(fake, http, stop));
        routes.MapPost("/fake/settings", (HttpContext http, CancellationToken stop) => SetAsync(fake, http, stop));
        routes.MapGet("/fake/state", () => State(fake));
    }

    private static Task<IResult> MakeCallsAsync(
        FakeProxy fake, HttpContext http, CancellationToken stop) => WithBodyAsync<FakeCall[]>(http, async calls =>
        Results.Json(new JsonObject { ["made"] = await fake.MakeCallsAsync(calls, stop) }), stop);

    private static Task<IResult> ScriptAsync(
        FakeProxy fake, HttpContext http, CancellationToken stop) => WithBodyAsync<FakeFault>(http, fault =>
    {
        fake.Script(fault);
        return Task.FromResult(Results.NoContent());
    }, stop);

    private static Task<IResult> SetAsync(
        FakeProxy fake, HttpContext http, CancellationToken stop) => WithBodyAsync<FakeSettings>(http, settings =>
    {
        fake.HasPagedLogs = settings.HasPagedLogs ?? fake.HasPagedLogs;
        fake.BatchSize = settings.BatchSize ?? fake.BatchSize;
        fake.LogFormat = settings.LogFormat ?? fake.LogFormat;
        if (settings.CallbackUrl is not null)
            fake.Callback = (settings.CallbackUrl, settings.CallbackKey ?? "");
        return Task.FromResult(Results.NoContent());
    }, stop);

    private static IResult State(FakeProxy fake)
    {
        lock (fake.Keys)
            return Results.Json(new JsonObject
            {
                ["keys"] = new JsonArray([.. fake.Keys.Values.Select(k => k.ToJson())]),
                ["requests"] = new JsonObject(
                    fake.Requests.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)r.Value))),
                ["calls"] = fake.Calls.Count,
            });
    }

    private static async Task<IResult> WithBodyAsync<T>(
        HttpContext http, Func<T, Task<IResult>> use, CancellationToken stop)
    {
        try
        {
            return await use((await http.Request.ReadFromJsonAsync<T>(Json, stop))!);
        }
        catch (JsonException exception)
        {
            return Results.BadRequest(exception.Message);
        }
    }

    private sealed record FakeSettings(
        bool? HasPagedLogs, int? BatchSize, string? LogFormat, Uri? CallbackUrl, string? CallbackKey);
}
