using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Turns an object that Python printed into JSON. The oldest payloads carry their objects as <c>str(...)</c>, such as
/// <c>{'user_api_key': None}</c> or <c>Usage(prompt_tokens=20)</c>. A value without a JSON equivalent becomes null.
/// </summary>
internal ref struct PythonText
{
    private readonly ReadOnlySpan<char> _text;
    private readonly Utf8JsonWriter _json;
    private int _at;

    private PythonText(ReadOnlySpan<char> text, Utf8JsonWriter json)
    {
        _text = text;
        _json = json;
    }

    /// <summary>Returns the object as JSON; null if the text is not an object.</summary>
    public static byte[]? ToJson(string text)
    {
        var bytes = new ArrayBufferWriter<byte>(text.Length);
        using var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { MaxDepth = ItemScanner.DepthMax });
        var reader = new PythonText(text, json);
        try
        {
            reader.ReadValue(0);
            reader.SkipSpace();
        }
        // The text is nested too deep or not valid.
        catch (Exception exception)
            when (exception is InvalidOperationException or ArgumentException or FormatException)
        {
            return null;
        }
        json.Flush();
        return reader._at == text.Length && bytes.WrittenSpan is [(byte)'{', ..] ? bytes.WrittenSpan.ToArray() : null;
    }

    private readonly char Next => _at < _text.Length ? _text[_at] : '\0';

    private void ReadValue(int depth)
    {
        if (depth == ItemScanner.DepthMax)
            throw new FormatException();
        SkipSpace();
        switch (Next)
        {
            case '{':
                ReadMembers('}', ':', depth);
                break;
            case '[':
                ReadElements(']', depth);
                break;
            case '(':
                ReadElements(')', depth);
                break;
            case '\'' or '"':
                _json.WriteStringValue(ReadText());
                break;
            default:
                ReadWord(depth);
                break;
        }
    }

    // Reads a dict, or the arguments of Name(first=1, second=2).
    private void ReadMembers(char end, char sign, int depth)
    {
        _at++;
        _json.WriteStartObject();
        while (!TryTake(end))
        {
            _json.WritePropertyName(sign == ':' && Next is '\'' or '"' ? ReadText() : TakeWord());
            Take(sign);
            ReadValue(depth + 1);
            TryTake(',');
        }
        _json.WriteEndObject();
    }

    private void ReadElements(char end, int depth)
    {
        _at++;
        _json.WriteStartArray();
        while (!TryTake(end))
        {
            ReadValue(depth + 1);
            // Named arguments may follow positional ones.
            _ = TryTake('=') || TryTake(',');
        }
        _json.WriteEndArray();
    }

    private void ReadWord(int depth)
    {
        // <object at 0x7f...> carries no value.
        if (Next == '<')
        {
            var end = _text[_at..].IndexOf('>');
            _at = end < 0 ? throw new FormatException() : _at + end + 1;
            _json.WriteNullValue();
            return;
        }
        var word = TakeWord();
        if (Next == '(')
        {
            var mark = _at++;
            SkipSpace();
            var first = _at;
            while (char.IsAsciiLetterOrDigit(Next) || Next == '_')
                _at++;
            var isNamed = (_at > first && Next == '=') || Next == ')';
            _at = mark;
            if (isNamed)
                ReadMembers(')', '=', depth);
            else
                ReadElements(')', depth);
        }
        else if (word is "True" or "False")
            _json.WriteBooleanValue(word == "True");
        else if (decimal.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            && char.IsAsciiDigit(word[^1])
            && word.TrimStart('-') is [>= '1' and <= '9', ..] or ['0'] or ['0', '.' or 'e', ..])
            _json.WriteRawValue(word);
        else
            _json.WriteNullValue();
    }

    private string ReadText()
    {
        var quote = _text[_at++];
        var text = new StringBuilder();
        while (Next != quote)
        {
            if (_at >= _text.Length)
                throw new FormatException();
            var next = _text[_at++];
            if (next == '\\' && _at < _text.Length)
                next = _text[_at++] switch
                {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'x' => Escaped(2),
                    'u' => Escaped(4),
                    var other => other,
                };
            text.Append(next);
        }
        _at++;
        return text.ToString();
    }

    private char Escaped(int digits)
    {
        if (_at + digits > _text.Length)
            throw new FormatException();
        var code = int.Parse(_text.Slice(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        _at += digits;
        return (char)code;
    }

    private string TakeWord()
    {
        SkipSpace();
        var start = _at;
        while (char.IsAsciiLetterOrDigit(Next) || Next is '_' or '.' or '+' or '-')
            _at++;
        return _at > start ? _text[start.._at].ToString() : throw new FormatException();
    }

    private void Take(char sign)
    {
        if (!TryTake(sign))
            throw new FormatException();
    }

    private bool TryTake(char sign)
    {
        SkipSpace();
        if (Next != sign || _at >= _text.Length)
            return false;
        _at++;
        SkipSpace();
        return true;
    }

    private void SkipSpace()
    {
        while (char.IsWhiteSpace(Next))
            _at++;
    }
}
