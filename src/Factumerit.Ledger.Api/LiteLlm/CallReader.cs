using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>
/// Turns one item, cut down to the fields that <see cref="PayloadFields"/> names, into a call. Objects and numbers may also come as text. A wrong
/// value is a problem that names the field, never an exception, and never quotes the value.
/// </summary>
internal sealed class CallReader
{
    private const int UsageBytesMax = 16 * 1024;
    private readonly CallDraft _draft = new();
    private string? _error;

    public static IntakeItem Read(int index, ReadOnlySpan<byte> json)
    {
        var reader = new CallReader();
        try
        {
            return reader.ReadItem(index, json);
        }
        catch (JsonException)
        {
            return new IntakeItem(index, null, new IntakeProblem(IntakeReader.Malformed, "The item is not valid JSON."));
        }
    }

    private IntakeItem ReadItem(int index, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
            ReadObject(ref reader, json, Level.Payload, _draft.Top);
        else if (reader.TokenType == JsonTokenType.Null)
            return new IntakeItem(index, null, null);
        else
        {
            reader.Skip();
            _error = "The item must be a JSON object.";
        }
        // Nothing may follow.
        reader.Read();
        var call = _error is null ? _draft.Finish(out _error) : null;
        return new IntakeItem(index, call, _error is null ? null : new IntakeProblem(IntakeReader.Invalid, _error));
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

    private void ReadNested(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, Level level, PayloadField field, UsageDraft usage)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                break;
            case JsonTokenType.StartObject:
                var start = (int)reader.TokenStartIndex;
                ReadObject(ref reader, json, field.Inside, usage);
                if (field.Inside == Level.Usage)
                    usage.Json = KeepUsage(json[start..(int)reader.BytesConsumed]);
                break;
            case JsonTokenType.String when ReadText(ref reader, level, field) is var text:
                if (text is not null && !TryReadStringified(text, level, field, usage))
                    Refuse(level, field, "must be an object, or text that holds one");
                break;
            default:
                reader.Skip();
                Refuse(level, field, "must be an object");
                break;
        }
    }

    // The legacy format makes text of everything: of an object JSON, or what Python prints.
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
                // To its end.
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
        switch (field.Field)
        {
            case Field.Cost or Field.Spend:
                if (ReadNumber(ref reader, level, field) is { } costUsd)
                    _draft.SetCost(level, costUsd);
                break;
            case Field.StartTime or Field.EndTime:
                if (ReadText(ref reader, level, field) is not { } time)
                    break;
                if (CallTime.TryParse(time, out var moment))
                    _draft.SetTime(field.Field, moment);
                else
                    Refuse(level, field, "must be a time: seconds since 1970, or such as 2026-01-31T12:00:00Z");
                break;
            case Field.CacheHit:
                if (ReadText(ref reader, level, field) is not { } hit)
                    break;
                if (bool.TryParse(hit, out var isHit))
                    _draft.CacheHit = isHit;
                else
                    Refuse(level, field, "must be true or false");
                break;
            case >= Field.PromptTokens and <= Field.ReasoningTokens:
                usage.Set(level, field.Field, ReadTokens(ref reader, level, field));
                break;
            default:
                if (ReadText(ref reader, level, field) is { } text && _draft.SetText(level, field.Field, text) is { } wrong)
                    Refuse(level, field, wrong);
                break;
        }
    }

    private int? ReadTokens(ref Utf8JsonReader reader, Level level, PayloadField field)
    {
        if (ReadNumber(ref reader, level, field) is not { } number)
            return null;
        if (number <= int.MaxValue && decimal.Truncate(number) == number)
            return (int)number;
        Refuse(level, field, "must be a whole number from 0 to 2147483647");
        return null;
    }

    private decimal? ReadNumber(ref Utf8JsonReader reader, Level level, PayloadField field)
    {
        if (reader.TokenType is JsonTokenType.True or JsonTokenType.False)
            Refuse(level, field, "must be a number");
        else if (ReadText(ref reader, level, field) is { } text)
        {
            if (Money.ReadExact(text) is >= 0 and var number)
                return number;
            Refuse(level, field, "must be a number of 0 or more that a decimal holds exactly");
        }
        return null;
    }

    /// <summary>A string, number, true or false as text; null for null, and for what Python makes of it.</summary>
    private string? ReadText(ref Utf8JsonReader reader, Level level, PayloadField field)
    {
        string? text = null;
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                break;
            case JsonTokenType.String when TryGetText(ref reader, out text):
                break;
            case JsonTokenType.Number:
                text = Encoding.ASCII.GetString(reader.ValueSpan);
                break;
            case JsonTokenType.True or JsonTokenType.False:
                text = reader.TokenType == JsonTokenType.True ? bool.TrueString : bool.FalseString;
                break;
            default:
                reader.Skip();
                text = null;
                // Whom the caller names is the caller's to write, and no reason to lose what it has to pay.
                if (field.Field != Field.EndUser && field.Field != Field.User)
                    Refuse(level, field, "must be valid text or a number");
                break;
        }
        return text is "" or "None" || string.IsNullOrWhiteSpace(text) ? null : text.Trim();
    }

    private static bool TryGetText(ref Utf8JsonReader reader, out string? text)
    {
        text = null;
        try
        {
            text = reader.GetString();
            // PostgreSQL keeps no such character.
            return text?.Contains('\0') == false;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    // As it goes into a column of type jsonb, whose numbers and escapes have limits of their own.
    private static string? KeepUsage(ReadOnlySpan<byte> json)
    {
        if (json.Length > UsageBytesMax || !Utf8.IsValid(json) || json.IndexOf("\\u"u8) >= 0)
            return null;
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
            if (reader.TokenType == JsonTokenType.Number && Money.ReadExact(Encoding.ASCII.GetString(reader.ValueSpan)) is null)
                return null;
        return Encoding.UTF8.GetString(json);
    }

    // The first is enough to mend an item by.
    private void Refuse(Level level, PayloadField field, string what) => _error ??= $"{PayloadFields.PathOf(level, field)} {what}.";
}
