using System.Buffers;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Skips one JSON value of any size, in chunks of any size, without keeping a byte of it. It examines only quotes and
/// brackets. It stops at the end of each line, because there the scanner may find that the value is broken.
/// </summary>
internal struct ValueSkipper
{
    private enum Mode
    {
        Before,
        Bare,
        Nested,
        Text,
    }

    private static readonly SearchValues<byte> TextStops = SearchValues.Create("\"\\\n"u8);
    private static readonly SearchValues<byte> NestedStops = SearchValues.Create("\"{}[]\n"u8);
    private static readonly SearchValues<byte> BareStops = SearchValues.Create(",}] \n\t\r"u8);

    private Mode _mode;
    private long _depth;
    private bool _isEscaped;

    /// <summary>Whether the last byte read ended a line.</summary>
    public bool IsAtLineStart { get; private set; }

    /// <summary>Whether a value was expected but missing.</summary>
    public bool IsMissing { get; private set; }

    /// <summary>Starts before the value.</summary>
    public static ValueSkipper Before() => default;

    /// <summary>Starts inside the value, after this many brackets of arrays and objects.</summary>
    public static ValueSkipper Inside(int depth = 1) => new() { _mode = Mode.Nested, _depth = depth };

    /// <summary>Starts inside a string, after its quote and this many brackets before it.</summary>
    public static ValueSkipper InsideText(int depth = 0, bool isEscaped = false) =>
        new() { _mode = Mode.Text, _depth = depth, _isEscaped = isEscaped };

    /// <summary>
    /// Reads on from <paramref name="at"/>. Returns true at the end of the value, false at the end of the bytes or of a
    /// line.
    /// </summary>
    public bool Read(ReadOnlySpan<byte> bytes, ref int at)
    {
        IsAtLineStart = false;
        while (at < bytes.Length && !IsAtLineStart)
        {
            var isOver = _mode switch
            {
                Mode.Before => Begin(bytes, ref at),
                Mode.Bare => ReadBare(bytes, ref at),
                Mode.Nested => ReadNested(bytes, ref at),
                _ => ReadText(bytes, ref at),
            };
            if (isOver)
                return true;
        }
        return false;
    }

    private bool Begin(ReadOnlySpan<byte> bytes, ref int at)
    {
        switch (bytes[at])
        {
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                IsAtLineStart = bytes[at++] == '\n';
                return false;
            case (byte)'"':
                at++;
                _mode = Mode.Text;
                return false;
            case (byte)'{' or (byte)'[':
                at++;
                (_mode, _depth) = (Mode.Nested, 1);
                return false;
            case (byte)'}' or (byte)']' or (byte)',':
                IsMissing = true;
                return true;
            default:
                _mode = Mode.Bare;
                return false;
        }
    }

    private static bool ReadBare(ReadOnlySpan<byte> bytes, ref int at)
    {
        var stop = bytes[at..].IndexOfAny(BareStops);
        at = stop < 0 ? bytes.Length : at + stop;
        return stop >= 0;
    }

    private bool ReadNested(ReadOnlySpan<byte> bytes, ref int at)
    {
        while (bytes[at..].IndexOfAny(NestedStops) is var stop and >= 0)
        {
            at += stop + 1;
            switch (bytes[at - 1])
            {
                case (byte)'"':
                    _mode = Mode.Text;
                    return false;
                case (byte)'{' or (byte)'[':
                    _depth++;
                    break;
                case (byte)'\n':
                    IsAtLineStart = true;
                    return false;
                default:
                    if (--_depth == 0)
                        return true;
                    break;
            }
        }
        at = bytes.Length;
        return false;
    }

    private bool ReadText(ReadOnlySpan<byte> bytes, ref int at)
    {
        if (_isEscaped)
        {
            _isEscaped = false;
            at++;
        }
        while (bytes[at..].IndexOfAny(TextStops) is var stop and >= 0)
        {
            at += stop + 1;
            switch (bytes[at - 1])
            {
                case (byte)'"':
                    _mode = Mode.Nested;
                    return _depth == 0;
                case (byte)'\n':
                    IsAtLineStart = true;
                    return false;
                case var _ when at == bytes.Length:
                    _isEscaped = true;
                    return false;
                default:
                    at++;
                    break;
            }
        }
        at = bytes.Length;
        return false;
    }
}
