using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Reads the body of a request. Nearly all bodies are valid and are read in one strict pass. An invalid body is read
/// again in two steps, so that each mistake is reported under the right code: first as JSON (malformed-request), then
/// field by field against the request's type (validation-failed, by the names as sent). Unknown and repeated fields are
/// refused.
/// </summary>
public static class JsonBody
{
    /// <summary>The largest object in bytes: several times the total of all fields of a request.</summary>
    public const int ObjectBytesMax = 256 * 1024;

    // JsonDocument takes 12 bytes per token, so a body of many small tokens would take several times its size.
    private const int TokensMax = 1_000_000;

    private static readonly Refusal TooLarge =
        new Refusal.ValidationFailed("$", $"must be at most {ObjectBytesMax / 1024} KiB of JSON");

    private static readonly Refusal TooManyTokens =
        new Refusal.ValidationFailed("$", $"must have at most {TokensMax} names and values");

    private static readonly JsonSerializerOptions Strict =
        new(LedgerJson.Default.Options) { AllowDuplicateProperties = false };

    // A body that arrives slowly must not hold memory for long.
    private static readonly TimeSpan ArrivesWithin = TimeSpan.FromSeconds(20);

    // Reading a large body takes a thread for a tenth of a second or more. Half of the processors stay free for other
    // requests.
    private static readonly SemaphoreSlim LargeReads = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>The body as one object.</summary>
    public static Task<BodyResult<T>> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class =>
        ReadTextAsync(http, body => body.Length <= ObjectBytesMax && ReadStrictly<T>(body) is { } value
            ? new(value, null)
            : Explain(http, body, ObjectBytesMax, element => JsonFields.Bind(element, type)));

    /// <summary>
    /// The body as an array whose items are validated one by one. Each item becomes a request or a refusal.
    /// </summary>
    public static Task<BodyResult<IReadOnlyList<ItemResult<T>>>> ReadItemsAsync<T>(
        HttpContext http, JsonTypeInfo<T> type, string items, int itemsMax)
        where T : class =>
        ReadTextAsync<IReadOnlyList<ItemResult<T>>>(http, body =>
            ReadItems(body, type, itemsMax) is { } read
                ? new(read, null)
                : Wrong<IReadOnlyList<ItemResult<T>>>(
                    http, new Refusal.ValidationFailed("$", $"must be an array of 1 to {itemsMax} {items}")));

    /// <summary>The body as JSON that <paramref name="read"/> validates.</summary>
    public static Task<BodyResult<T>> ReadAsync<T>(
        HttpContext http, Func<JsonElement, (T? Value, Refusal? Refusal)> read)
        where T : class =>
        ReadTextAsync(http, body => Explain(http, body, int.MaxValue, read));

    /// <summary>The body as one object without required fields. A missing body counts as an empty object.</summary>
    public static Task<BodyResult<T>> ReadOrEmptyAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class, new() =>
        http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }
            ? Task.FromResult(new BodyResult<T>(new T(), null))
            : ReadAsync(http, type);

    /// <summary>The body as a valid request; null if anything is wrong with it.</summary>
    internal static T? ReadStrictly<T>(ReadOnlyMemory<byte> body)
        where T : class
    {
        try
        {
            // The parser checks structure only. Invalid UTF-8 inside a string would fail later, so check it here.
            if (!Utf8.IsValid(body.Span))
                return null;
            var reader = new Utf8JsonReader(body.Span);
            var value = JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<T>)Strict.GetTypeInfo(typeof(T)));
            return reader.Read() ? null : value;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static async Task<BodyResult<T>> ReadTextAsync<T>(
        HttpContext http, Func<ReadOnlyMemory<byte>, BodyResult<T>> read)
        where T : class
    {
        if (!http.Request.HasJsonContentType())
            return new(null, Problems.Of(
                http, "unsupported-media-type", "The body must be JSON, sent with Content-Type: application/json."));
        var reader = http.Request.BodyReader;
        var sequence = await ReadToEndAsync(http);
        if (sequence.IsSingleSegment)
            try
            {
                return ReadText(http, sequence.First, read);
            }
            finally
            {
                reader.AdvanceTo(sequence.End);
            }
        var length = (int)sequence.Length;
        var rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            sequence.CopyTo(rented);
            reader.AdvanceTo(sequence.End);
            if (length <= LargeBodies.SmallBytesMax)
                return ReadText(http, rented.AsMemory(0, length), read);
            await LargeReads.WaitAsync(http.RequestAborted);
            try
            {
                return ReadText(http, rented.AsMemory(0, length), read);
            }
            finally
            {
                LargeReads.Release();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static BodyResult<T> ReadText<T>(
        HttpContext http, ReadOnlyMemory<byte> body, Func<ReadOnlyMemory<byte>, BodyResult<T>> read)
        where T : class
    {
        try
        {
            return read(body.Span.StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body);
        }
        catch (JsonException exception)
        {
            return new(null, Problems.Of(
                http, "malformed-request", $"The body is not one complete JSON value: {Describe(exception)}"));
        }
    }

    // The exception's own text ends with the position in words of the framework, counted from 0.
    private static string Describe(JsonException exception)
    {
        var end = exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0
            ? exception.Message
            : $"{exception.Message[..end]} "
                + $"See line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.";
    }

    private static async ValueTask<ReadOnlySequence<byte>> ReadToEndAsync(HttpContext http)
    {
        // A cancelled token would leave the body in the middle of a read. A client that goes away ends the read anyway,
        // and CancelPendingRead ends it cleanly.
        var read = await http.Request.BodyReader.ReadAsync(CancellationToken.None);
        if (read.IsCompleted)
            return read.Buffer;
        using var late = new CancellationTokenSource(ArrivesWithin);
        await using var end = late.Token.Register(http.Request.BodyReader.CancelPendingRead);
        while (!read.IsCompleted)
        {
            http.Request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await http.Request.BodyReader.ReadAsync(CancellationToken.None);
            if (!read.IsCanceled)
                continue;
            http.Request.BodyReader.AdvanceTo(read.Buffer.End);
            throw new BadHttpRequestException(
                $"The body did not arrive within {ArrivesWithin.TotalSeconds:0} seconds.",
                StatusCodes.Status408RequestTimeout);
        }
        return read.Buffer;
    }

    // Splits the array into items first. Reading stops at the maximum number of items, and no item takes much more
    // memory than its text.
    private static List<ItemResult<T>>? ReadItems<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type, int itemsMax)
        where T : class
    {
        CheckText(body);
        var reader = new Utf8JsonReader(body.Span);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
            return null;
        var items = new List<ItemResult<T>>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (items.Count == itemsMax)
                return null;
            items.Add(ReadItem(body[start..(int)reader.BytesConsumed], type));
        }
        // Throws if the array is followed by more text.
        reader.Read();
        return items.Count > 0 ? items : null;
    }

    private static ItemResult<T> ReadItem<T>(ReadOnlyMemory<byte> item, JsonTypeInfo<T> type)
        where T : class
    {
        if (item.Length > ObjectBytesMax)
            return new(null, TooLarge);
        if (ReadStrictly<T>(item) is { } value)
            return new(value, null);
        using var document = JsonDocument.Parse(item);
        var (bound, refusal) = JsonFields.Bind(document.RootElement, type);
        return new(bound, refusal);
    }

    private static BodyResult<T> Explain<T>(
        HttpContext http, ReadOnlyMemory<byte> body, int bytesMax, Func<JsonElement, (T? Value, Refusal? Refusal)> bind)
        where T : class
    {
        var tokens = CheckText(body);
        if (body.Length > bytesMax)
            return Wrong<T>(http, TooLarge);
        if (tokens > TokensMax)
            return Wrong<T>(http, TooManyTokens);
        using var document = JsonDocument.Parse(body);
        var (value, refusal) = bind(document.RootElement);
        return value is not null ? new(value, null) : Wrong<T>(http, refusal!);
    }

    private static BodyResult<T> Wrong<T>(HttpContext http, Refusal refusal)
        where T : class =>
        new(null, Problems.Of(http, refusal));

    /// <summary>Returns the number of tokens.</summary>
    /// <exception cref="JsonException">The text is not one complete JSON value, or not valid UTF-8.</exception>
    private static int CheckText(ReadOnlyMemory<byte> body)
    {
        var reader = new Utf8JsonReader(body.Span);
        var tokens = 0;
        while (reader.Read())
            tokens++;
        return Utf8.IsValid(body.Span) ? tokens : throw new JsonException("it is not valid UTF-8.");
    }
}

/// <summary>A body that was read, or its problem.</summary>
public readonly record struct BodyResult<T>(T? Value, Problem? Problem)
    where T : class;

/// <summary>One item of an array: a request or a refusal.</summary>
public readonly record struct ItemResult<T>(T? Value, Refusal? Refusal)
    where T : class;
