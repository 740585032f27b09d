using Microsoft.AspNetCore.RequestDecompression;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Bodies with a Content-Encoding: decoded as they are read on the routes that say so, where limits count decoded bytes; refused everywhere else, so that
/// no route takes compressed bytes for a body. A body that can't be decoded to its end is the sender's mistake.
/// </summary>
public static class EncodedBodies
{
    public const string Encodings = "gzip, deflate or br";
    private const string Identity = "identity";

    public static void AddEncodedBodies(this IServiceCollection services) => services.AddRequestDecompression(options =>
    {
        foreach (var (encoding, provider) in options.DecompressionProviders.ToList())
            options.DecompressionProviders[encoding] = new StrictProvider(provider, isGzip: encoding == "gzip");
        // As RFC 9110 recommends.
        options.DecompressionProviders["x-gzip"] = options.DecompressionProviders["gzip"];
    });

    /// <summary>After the caller is known, so that others learn nothing of the routes.</summary>
    public static void UseEncodedBodies(this WebApplication app) => app.UseWhen(
        // No other request passes through it.
        http => http.Request.Headers.ContentEncoding.Count > 0 && http.GetEndpoint() is RouteEndpoint,
        encoded => encoded
            .UseWhen(http => IsDecoded(http), routes => routes.UseRequestDecompression())
            // What is left of the header was not decoded.
            .Use((http, next) => http.Request.Headers.ContentEncoding.All(IsPlain) ? next(http) : RefuseAsync(http)));

    /// <summary>Lets a route take bodies that are compressed.</summary>
    public static RouteHandlerBuilder TakesEncoded(this RouteHandlerBuilder route) =>
        route.WithMetadata(new EncodedBody()).Refuses("unsupported-media-type");

    private static bool IsDecoded(HttpContext http) => http.GetEndpoint()!.Metadata.GetMetadata<EncodedBody>() is not null;

    private static bool IsPlain(string? encoding) => string.IsNullOrWhiteSpace(encoding) || encoding.Trim().Equals(Identity, StringComparison.OrdinalIgnoreCase);

    private static Task RefuseAsync(HttpContext http)
    {
        var isDecoded = IsDecoded(http);
        http.Response.Headers.AcceptEncoding = isDecoded ? "gzip, deflate, br, identity" : Identity;
        return Problems.WriteAsync(http, "unsupported-media-type", isDecoded
            ? $"This route takes a body with the Content-Encoding {Encodings}, one of them, or none."
            : "This route takes no Content-Encoding: send the body as it is.");
    }

    private sealed class EncodedBody;

    private sealed class StrictProvider(IDecompressionProvider provider, bool isGzip) : IDecompressionProvider
    {
        public Stream GetDecompressionStream(Stream stream) => new StrictStream(stream, provider.GetDecompressionStream, isGzip);
    }
}
