using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Turns one item, reduced to the fields that <see cref="PayloadFields"/> names, into a call. Objects and numbers may
/// also be encoded as text. A value that can't be read counts as unknown, and the call records its field. Only an item
/// that is not a JSON object is rejected.
/// </summary>
internal sealed class CallReader
{
    // The size limit of a usage in the database, less room for the service tier.
    private const int UsageBytesMax = (16 * 1024) - 64;

    private static readonly JsonSerializerOptions Unescaped =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly CallDraft _draft = new();

    public static IntakeItem Read(int index, ReadOnlySpan<byte> json)
    {
        try
        {
            return new CallReader().ReadItem(index, json);
        }
        catch (JsonException)
        {
            return new IntakeItem(
                index, null, new IntakeProblem(IntakeReader.Malformed, "The item is not valid JSON."));
        }
    }

    private IntakeItem ReadItem(int index, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        if (isObject)
            ReadObject(ref reader, json, Level.Payload, _draft.Top);
        else if (reader.TokenType == JsonTokenType.Null)
            return new IntakeItem(index, null, null);
        else
            reader.Skip();
        // Throws a JsonException if anything follows the value.
        reader.Read();
        return isObject
            ? new IntakeItem(index, _draft.Finish(), null) { Bytes = json.Length }
            : new IntakeItem(index, null, new IntakeProblem(IntakeReader.Invalid, "The item must be a JSON object."));
    }

    private void ReadObject(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, Level level, UsageDraft usage)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = PayloadFields.Find(level, reader.ValueSpan);
            reader.Read();
            if (field is null or { Field: Field.Records })
                reader.Skip();
            else if (field.Field == Field.Object)
                ReadNested(ref reader, json, level, field, field.Inside == Level.Usage ? _draft.UsageIn(level) : usage);
            else
                ReadValue(ref reader, level, field, usage);
        }
    }

    private void ReadNested(
        ref Utf8JsonReader reader, ReadOnlySpan<byte> json, Level level, PayloadField field, UsageDraft usage)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                break;
            case JsonTokenType.StartObject:
                var start = (int)reader.TokenStartIndex;
                ReadObject(ref reader, json, field.Inside, usage);
                if (field.Inside == Level.Usage)
                    KeepUsage(usage, json[start..(int)reader.BytesConsumed]);
                break;
            case JsonTokenType.String when field.Inside == Level.Response:
                break;
            case JsonTokenType.String when ReadText(ref reader) is var (text, isText):
                if (!isText || (text is not null && !TryReadStringified(text, level, field, usage)))
                    usage.IsUnreadable |= IsOfUsage(field);
                break;
            default:
                reader.Skip();
                usage.IsUnreadable |= IsOfUsage(field);
                break;
        }
    }

    private static bool IsOfUsage(PayloadField field) =>
        field.Inside is Level.Usage or Level.PromptDetails or Level.CompletionDetails;

    // The legacy format encodes every value as text: an object as JSON, or as Python prints it.
    private bool TryReadStringified(string text, Level level, PayloadField field, UsageDraft usage)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (!IsJsonObject(bytes))
            bytes = PythonText.ToJson(text);
        if (bytes is null)
            return false;
        var reader = new Utf8JsonReader(bytes);
        reader.Read();
        ReadNested(ref reader, bytes, level, field, usage);
        return true;
    }

    private static bool IsJsonObject(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            var isObject = reader.Read() && reader.TokenType == JsonTokenType.StartObject;
            while (isObject && reader.Read())
            {
                // Read to the end: that validates the JSON.
            }
            return isObject;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void ReadValue(ref Utf8JsonReader reader, Level level, PayloadField field, UsageDraft usage)
    {
        var isFlag = reader.TokenType is JsonTokenType.True or JsonTokenType.False;
        var (text, isText) = ReadText(ref reader);
        if (isText && text is null)
            return;
        if (isText && TryRead(text!, isFlag, level, field.Field, usage))
            return;
        var path = PayloadFields.PathOf(level, field);
        if (field.Field is >= Field.PromptTokens and <= Field.TotalTokens)
            usage.SetUnreadable(field.Field, path);
        else
            _draft.SetUnreadable(field.Field, path);
    }

    private bool TryRead(string text, bool isFlag, Level level, Field field, UsageDraft usage)
    {
        switch (field)
        {
            case >= Field.Cost and <= Field.ToolCost:
                return !isFlag && TryReadCost(text, level, field);
            case Field.StartTime or Field.EndTime:
                return TryReadTime(text, field);
            case Field.CacheHit:
                return TryReadCacheHit(text);
            // PostgreSQL can't store NUL characters.
            case Field.Model when text.Contains('\0', StringComparison.Ordinal):
                return false;
            case >= Field.PromptTokens and <= Field.TotalTokens:
                return !isFlag && TryReadTokens(text, level, field, usage);
            default:
                _draft.SetText(level, field, text);
                return true;
        }
    }

    private bool TryReadCost(string text, Level level, Field field)
    {
        if (Money.ReadCut(text) is not (>= 0 and var usd))
            return false;
        if (usd > Money.CostUsdMax)
        {
            _draft.IsCostUnusable |= field != Field.Margin;
            return false;
        }
        if (field is Field.Cost or Field.Spend)
            _draft.SetCost(level, usd);
        else
            _draft.SetPart(field, usd);
        return true;
    }

    private bool TryReadTime(string text, Field field)
    {
        if (!CallTime.TryParse(text, out var time))
            return false;
        _draft.SetTime(field, time);
        return true;
    }

    private bool TryReadCacheHit(string text)
    {
        if (!bool.TryParse(text, out var isHit))
            return false;
        _draft.CacheHit = isHit;
        return true;
    }

    private static bool TryReadTokens(string text, Level level, Field field, UsageDraft usage)
    {
        if (Money.ReadExact(text) is not (>= 0 and <= int.MaxValue and var tokens)
            || decimal.Truncate(tokens) != tokens)
            return false;
        usage.Set(level, field, (int)tokens);
        return true;
    }

    /// <summary>
    /// Returns a string, number, true or false as text. The text is null for null, blank text and Python's None. IsText
    /// is false for anything else.
    /// </summary>
    private static (string? Text, bool IsText) ReadText(ref Utf8JsonReader reader)
    {
        string? text = null;
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                break;
            case JsonTokenType.String:
                if (!TryGetText(ref reader, out text))
                    return (null, false);
                break;
            case JsonTokenType.Number:
                text = Encoding.ASCII.GetString(reader.ValueSpan);
                break;
            case JsonTokenType.True or JsonTokenType.False:
                text = reader.TokenType == JsonTokenType.True ? bool.TrueString : bool.FalseString;
                break;
            default:
                reader.Skip();
                return (null, false);
        }
        return (text is "" or "None" || string.IsNullOrWhiteSpace(text) ? null : text.Trim(), true);
    }

    private static bool TryGetText(ref Utf8JsonReader reader, out string? text)
    {
        text = null;
        try
        {
            text = reader.GetString();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    // Keeps the usage only if a jsonb column can store it: jsonb has its own limits for numbers and escapes.
    private static void KeepUsage(UsageDraft usage, ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("\\u"u8) >= 0)
            json = Unescape(json);
        usage.Json = IsStorable(json) ? Encoding.UTF8.GetString(json) : null;
        usage.IsUnreadable |= usage.Json is null;
    }

    private static byte[] Unescape(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(JsonElement.Parse(json), Unescaped);
        }
        catch (InvalidOperationException)
        {
            // It escapes half of a surrogate pair.
            return [];
        }
    }

    private static bool IsStorable(ReadOnlySpan<byte> json)
    {
        if (json.Length is 0 or > UsageBytesMax || !Utf8.IsValid(json) || json.IndexOf("\\u"u8) >= 0)
            return false;
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
            if (reader.TokenType == JsonTokenType.Number
                && Money.ReadExact(Encoding.ASCII.GetString(reader.ValueSpan)) is null)
                return false;
        return true;
    }
}
