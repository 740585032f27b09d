using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Turns every failure between the ledger and LiteLLM into one kind of exception, whose message is safe to show.
/// </summary>
internal static partial class LiteLlmErrors
{
    private const int MessageCharactersMax = 300;
    private const string NoReason = "no reason given";
    private const int BodyCharactersMax = 16 * 1024;

    /// <summary>Returns the exception for an answer other than 2xx.</summary>
    public static async Task<LiteLlmException> OfAsync(
        HttpResponseMessage response, string masterKey, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var failure = status is >= 500 or 429 or 408 ? LiteLlmFailure.Failed : LiteLlmFailure.Refused;
        var body = await ReadAsync(response, cancellationToken);
        // The body of a 404 says whether the key is unknown or the address is wrong. If it was cut off, retry.
        if (body is null && response.StatusCode == HttpStatusCode.NotFound)
            return CutOff();
        var (message, isEnvelope) = MessageIn(body ?? "");
        var said = status is >= 300 and < 400
            ? "it redirects elsewhere; LiteLlm:BaseUrl must name where it is"
            : Clean(message, masterKey);
        return new LiteLlmException(
            failure, $"LiteLLM answered {status}: {said}{(said is [.., '.' or '!' or '?'] ? "" : ".")}")
        {
            Status = status,
            IsKeyUnknown = status == (int)HttpStatusCode.NotFound && isEnvelope,
            RetryAfter = response.Headers.RetryAfter?.Delta,
        };
    }

    /// <summary>Returns the exception for a transport error, which depends on whether LiteLLM was reached.</summary>
    public static LiteLlmException Of(HttpRequestException exception) =>
        exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError
            ? new LiteLlmException(
                LiteLlmFailure.Failed, $"LiteLLM can't be reached ({exception.HttpRequestError}).", exception)
            : CutOff(exception);

    public static LiteLlmException CutOff(Exception? exception = null) =>
        new(
            LiteLlmFailure.OutcomeUnknown,
            "The connection to LiteLLM ended before its answer was complete.",
            exception);

    public static LiteLlmException TimedOut(int timeoutMs) =>
        new(LiteLlmFailure.OutcomeUnknown, $"LiteLLM did not answer within {timeoutMs} ms.");

    public static LiteLlmException NotUnderstood(Exception? exception = null) =>
        new(LiteLlmFailure.OutcomeUnknown, "LiteLLM answered with something that can't be read.", exception);

    public static LiteLlmException NoList(bool isPage) => new(
        LiteLlmFailure.OutcomeUnknown,
        $"LiteLLM answered with something that is not a {(isPage ? "page" : "list")} of spend logs"
        + $"{(isPage ? ": it has no list in data" : "")}.");

    public static LiteLlmException PageRepeated(int page) => new(
        LiteLlmFailure.Failed, $"LiteLLM answered page {page} of its spend logs with the rows of an earlier page.");

    public static LiteLlmException TooManyPages(int pagesMax) => new(
        LiteLlmFailure.Failed, $"LiteLLM has more than {pagesMax} pages of spend logs; ask for a shorter span.");

    // Returns null if the connection ended before the body did.
    private static async Task<string?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
            var text = new char[BodyCharactersMax];
            return new string(text, 0, await reader.ReadBlockAsync(text, cancellationToken));
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            return null;
        }
    }

    // LiteLLM's envelope is {"error": {"message": ...}} or {"detail": {"error": ...}}. Its web framework answers
    // {"detail": ...}. The text of a proxy in between is left out.
    private static (string Message, bool IsEnvelope) MessageIn(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var found = document.RootElement;
            var depth = 0;
            foreach (var name in (string[])["error", "detail", "error", "message"])
                if (found.ValueKind == JsonValueKind.Object && found.TryGetProperty(name, out var inner))
                    (found, depth) = (inner, depth + 1);
            return (found.ValueKind == JsonValueKind.String ? found.GetString()! : NoReason, depth > 1);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return (NoReason, false);
        }
    }

    private static string Clean(string message, string masterKey)
    {
        message = Secrets().Replace(message.Replace(masterKey, "***", StringComparison.Ordinal), "sk-***");
        message = ControlCharacters().Replace(message, " ");
        return message.Length <= MessageCharactersMax ? message : $"{message[..MessageCharactersMax]} ...";
    }

    [GeneratedRegex("sk-[A-Za-z0-9_-]{8,}")]
    private static partial Regex Secrets();

    [GeneratedRegex(@"\p{C}+")]
    private static partial Regex ControlCharacters();
}
