using Microsoft.AspNetCore.RequestDecompression;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Handles request bodies with a Content-Encoding. Routes that allow it decode the body while it is read, and limits
/// count decoded bytes. All other routes refuse it, so no route takes compressed bytes for a body. A body that can't be
/// decoded to its end is the client's error.
/// </summary>
public static class EncodedBodies
{
    public const string Encodings = "gzip, deflate or br";
    private const string Identity = "identity";

    public static void AddEncodedBodies(this IServiceCollection services) => services.AddRequestDecompression(options =>
    {
        foreach (var (encoding, provider) in options.DecompressionProviders.ToList())
            options.DecompressionProviders[encoding] = new StrictProvider(provider, isGzip: encoding == "gzip");
        // RFC 9110 recommends to treat x-gzip as gzip.
        options.DecompressionProviders["x-gzip"] = options.DecompressionProviders["gzip"];
    });

    /// <summary>Must run after authentication: other callers must not learn which routes exist.</summary>
    public static void UseEncodedBodies(this WebApplication app) => app.UseWhen(
        // All other requests skip this branch.
        http => http.Request.Headers.ContentEncoding.Count > 0 && http.GetEndpoint() is RouteEndpoint,
        encoded => encoded
            .UseWhen(http => IsDecoded(http), routes => routes.UseRequestDecompression())
            // The decompression removes the encodings that it handles. Any encoding still in the header was not
            // decoded.
            .Use((http, next) => http.Request.Headers.ContentEncoding.All(IsPlain) ? next(http) : RefuseAsync(http)));

    /// <summary>Allows compressed bodies on the route.</summary>
    public static RouteHandlerBuilder TakesEncoded(this RouteHandlerBuilder route) =>
        route.WithMetadata(new EncodedBody()).Refuses("unsupported-media-type");

    private static bool IsDecoded(HttpContext http) =>
        http.GetEndpoint()!.Metadata.GetMetadata<EncodedBody>() is not null;

    private static bool IsPlain(string? encoding) =>
        string.IsNullOrWhiteSpace(encoding) || encoding.Trim().Equals(Identity, StringComparison.OrdinalIgnoreCase);

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
        public Stream GetDecompressionStream(Stream stream) =>
            new StrictStream(stream, provider.GetDecompressionStream, isGzip);
    }
}
