using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// A JSON response whose type states its status and its body, so that a route's handler declares on the API page what
/// it returns. Written with the source-generated contract, with amounts as the client asks for them.
/// </summary>
internal abstract class JsonAnswer<T>(int status, T? value, JsonTypeInfo<T> type, StoredAnswer? stored = null)
    : IResult, IStatusCodeHttpResult, IValueHttpResult<T>
{
    int? IStatusCodeHttpResult.StatusCode => stored?.Status ?? status;

    T? IValueHttpResult<T>.Value => value;

    public Task ExecuteAsync(HttpContext http)
    {
        http.Response.StatusCode = stored?.Status ?? status;
        http.Response.ContentType = "application/json; charset=utf-8";
        var asked = MoneyAsText.TypeFor(http.Request, type);
        // A replay sends the bytes of the first answer, unless the client asks for amounts in another form.
        if (stored is not null && (asked == type || value is null))
            BufferedJson.Write(http.Response, stored.Json);
        else
            BufferedJson.Write(http.Response, value!, asked);
        return Task.CompletedTask;
    }

    protected static void Declare(EndpointBuilder route, int status) =>
        route.Metadata.Add(new ProducesResponseTypeMetadata(status, typeof(T), ["application/json"]));
}

/// <summary>200 with a JSON body.</summary>
internal sealed class JsonOk<T>(T? value, JsonTypeInfo<T> type, StoredAnswer? stored = null)
    : JsonAnswer<T>(StatusCodes.Status200OK, value, type, stored), IEndpointMetadataProvider
{
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        Declare(builder, StatusCodes.Status200OK);
}

/// <summary>201 with a JSON body.</summary>
internal sealed class JsonCreated<T>(T? value, JsonTypeInfo<T> type, StoredAnswer? stored = null)
    : JsonAnswer<T>(StatusCodes.Status201Created, value, type, stored), IEndpointMetadataProvider
{
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        Declare(builder, StatusCodes.Status201Created);
}

/// <summary>503 with a JSON body that is no problem: a failed health check.</summary>
internal sealed class JsonUnavailable<T>(T value, JsonTypeInfo<T> type)
    : JsonAnswer<T>(StatusCodes.Status503ServiceUnavailable, value, type), IEndpointMetadataProvider
{
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        Declare(builder, StatusCodes.Status503ServiceUnavailable);
}
