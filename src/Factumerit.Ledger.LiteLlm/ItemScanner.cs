using System.Buffers;
using System.Text.Json;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>Why a scanned item can't be read.</summary>
internal enum ItemFault
{
    None,
    Malformed,
    BrokenOff,
    TooLarge,
}

/// <summary>
/// Scans the bytes of a body, in chunks of any size, and cuts out one item after another. It copies only the fields
/// that <see cref="PayloadFields"/> names and writes null in place of other values. A value that is not JSON (NaN), too
/// large or nested too deep becomes an empty array: it can't be read, and the other values can. A reader of JSON tokens
/// would have to buffer a prompt of many megabytes before it could skip it, and would reject a whole body at the first
/// wrong byte.
/// </summary>
internal sealed partial class ItemScanner
{
    public const int ItemBytesMax = 256 * 1024;
    public const int DepthMax = 64;
    private const int BareBytesMax = 64;
    private const int CallersTextBytesMax = 4096;

    private enum Place
    {
        /// <summary>Items stand alone, one after another or one per line.</summary>
        Top,
        Array,

        /// <summary>Items stand in the array of an object that only wraps it.</summary>
        Records,
    }

    private enum Mode
    {
        Between,
        Bare,
        Kept,
        KeptText,
        KeptBare,
        BeforeRecords,
        BeforeResponse,
        Skipped,
    }

    private static readonly SearchValues<byte> TextStops = SearchValues.Create("\"\\\n"u8);
    private static readonly SearchValues<byte> BareStops = SearchValues.Create(",}]{[:\" \t\r\n"u8);

    private readonly (Level Level, bool IsObject)[] _open = new (Level, bool)[DepthMax];
    private byte[] _item = new byte[4096];
    private int _length;
    private int _depth;
    private ValueSkipper _skipper;
    private int _textStart;
    private int _bareStart;

    // Where the value of the innermost wanted field begins, and how many brackets are open there. -1 outside of such a
    // value.
    private int _valueStart = -1;
    private int _valueDepth;
    private Place _place;
    private Mode _mode;
    private Level _inside;
    private PayloadField? _found;
    private bool _expectsName;
    private bool _isName;
    private bool _isAfterName;
    private bool _isCallersOwn;
    private bool _isEscaped;
    private bool _isCompact;
    private bool _isTail;
    private bool _isLineStart;

    /// <summary>The current item, complete and reduced to the wanted fields.</summary>
    public ReadOnlySpan<byte> Item => _item.AsSpan(0, _length);

    public ItemFault Fault { get; private set; }

    /// <summary>Whether the items stood in an array.</summary>
    public bool HasArray { get; private set; }

    /// <summary>Whether an array of items stood in an object.</summary>
    public bool HasRecords { get; private set; }

    /// <summary>Whether the body ended before it was complete.</summary>
    public bool IsBrokenOff { get; private set; }

    /// <summary>The number of pages, as the object around the items says; null if it doesn't say.</summary>
    public int? TotalPages { get; private set; }

    /// <summary>
    /// Reads on from <paramref name="at"/>. Returns true as soon as an item is complete; it stays until
    /// <see cref="Next"/>.
    /// </summary>
    public bool Read(ReadOnlySpan<byte> bytes, ref int at)
    {
        while (at < bytes.Length)
        {
            if (_isLineStart)
            {
                _isLineStart = false;
                // With one item per line, an object still open at the end of its line is broken. The next line is an
                // item of its own.
                if (bytes[at] == '{' && _place == Place.Top && _isCompact && _mode != Mode.Between)
                {
                    Fault = ItemFault.Malformed;
                    return true;
                }
            }
            var isComplete = _mode switch
            {
                Mode.Between => Begin(bytes[at++]),
                Mode.Bare => ReadBare(bytes, ref at),
                Mode.Kept => ReadKept(bytes, ref at),
                Mode.KeptText => ReadKeptText(bytes, ref at),
                Mode.KeptBare => ReadKeptBare(bytes, ref at),
                Mode.BeforeRecords => EnterRecords(bytes, ref at),
                Mode.BeforeResponse => EnterResponse(bytes, ref at),
                _ => ReadSkipped(bytes, ref at),
            };
            if (isComplete && !EndTail())
                return true;
        }
        return false;
    }

    /// <summary>Ends the body. Returns true if one more item is left, in most cases an incomplete one.</summary>
    public bool End()
    {
        if (_mode == Mode.Between && _place == Place.Top)
            return false;
        if (_mode != Mode.Bare || _place != Place.Top)
            (Fault, IsBrokenOff) = (ItemFault.BrokenOff, true);
        return true;
    }

    /// <summary>Clears the current item to make room for the next.</summary>
    public void Next()
    {
        (_length, _depth, _mode, Fault, _valueStart) = (0, 0, Mode.Between, ItemFault.None, -1);
        (_expectsName, _isAfterName, _isCallersOwn, _isEscaped, _isCompact, _isTail, _isLineStart) =
            (false, false, false, false, false, false, false);
    }

    private bool Begin(byte first)
    {
        switch (first)
        {
            // The last three bytes are a byte order mark.
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0xEF or 0xBB or 0xBF:
                break;
            case (byte)',' when _place != Place.Top:
                break;
            case (byte)'[' when _place == Place.Top:
                (_place, HasArray) = (Place.Array, true);
                break;
            case (byte)']' when _place == Place.Array:
                _place = Place.Top;
                break;
            case (byte)']' when _place == Place.Records:
                // Read the rest of the wrapper like an item of its own.
                (_isTail, _mode, _inside) = (true, Mode.Kept, Level.Page);
                Open((byte)'{');
                Append("\"data\":null"u8);
                _expectsName = false;
                break;
            case (byte)'{':
                _mode = Mode.Kept;
                _inside = Level.Payload;
                Open(first);
                break;
            // An array or a string is not a valid item; the reader reports it.
            case (byte)'[':
                Append("[]"u8);
                Skip(ValueSkipper.Inside());
                break;
            case (byte)'"':
                Append("\"\""u8);
                Skip(ValueSkipper.InsideText());
                break;
            default:
                Append(first);
                _mode = Mode.Bare;
                break;
        }
        return false;
    }

    /// <summary>Reads null, a number or garbage up to where another item may begin.</summary>
    private bool ReadBare(ReadOnlySpan<byte> bytes, ref int at)
    {
        for (; at < bytes.Length; at++)
        {
            var next = bytes[at];
            if (next is (byte)'{' or (byte)'[' || (_place == Place.Top ? next == '\n' : next is (byte)',' or (byte)']'))
                return true;
            if (_length < BareBytesMax)
                Append(next);
        }
        return false;
    }

    private bool EnterRecords(ReadOnlySpan<byte> bytes, ref int at)
    {
        switch (bytes[at])
        {
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                _isLineStart = bytes[at++] == '\n';
                break;
            case (byte)'[':
                at++;
                Next();
                (_place, HasRecords) = (Place.Records, true);
                break;
            default:
                Skip(ValueSkipper.Before());
                break;
        }
        return false;
    }

    // Only an object is searched: text is the answer itself.
    private bool EnterResponse(ReadOnlySpan<byte> bytes, ref int at)
    {
        switch (bytes[at])
        {
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                _isLineStart = bytes[at++] == '\n';
                break;
            case (byte)'{':
                _mode = Mode.Kept;
                break;
            default:
                (_inside, _valueStart) = (Level.None, -1);
                Append("null"u8);
                Skip(ValueSkipper.Before());
                break;
        }
        return false;
    }

    private bool ReadSkipped(ReadOnlySpan<byte> bytes, ref int at)
    {
        var isOver = _skipper.Read(bytes, ref at);
        _isLineStart = _skipper.IsAtLineStart;
        return isOver && EndSkipped();
    }

    /// <summary>
    /// Ends the part after an array of items. Returns true if that part was complete, false if an item was.
    /// </summary>
    private bool EndTail()
    {
        if (!_isTail)
            return false;
        TotalPages = Fault == ItemFault.None ? ReadTotalPages(Item) : null;
        Next();
        _place = Place.Top;
        return true;
    }

    private static int? ReadTotalPages(ReadOnlySpan<byte> page)
    {
        int? total = null;
        try
        {
            var reader = new Utf8JsonReader(page);
            while (reader.Read())
                if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number))
                    total = number;
        }
        catch (JsonException)
        {
            return null;
        }
        return total;
    }

    /// <summary>Ends a skipped value. Returns true if it was the whole item.</summary>
    private bool EndSkipped()
    {
        // null stands in the place of a missing value. Remove it, so that the item is recognised as broken.
        if (_skipper.IsMissing && Fault == ItemFault.None)
            _length -= "null".Length;
        _mode = Mode.Kept;
        return _depth == 0;
    }

    /// <summary>
    /// Writes null in place of a value whose copy begins at <paramref name="start"/> and whose first byte was read.
    /// </summary>
    private void LeaveOut(int start, ValueSkipper skipper)
    {
        _length = Fault == ItemFault.None ? start : _length;
        _isCallersOwn = false;
        Append("null"u8);
        Skip(skipper);
    }

    private void Skip(ValueSkipper skipper) => (_mode, _skipper) = (Mode.Skipped, skipper);


    private void Append(byte next)
    {
        if (_length < _item.Length && Fault == ItemFault.None)
            _item[_length++] = next;
        else
            Append(new ReadOnlySpan<byte>(in next));
    }

    // White space only ends the token before it, so one space is enough.
    private void AppendSpace()
    {
        if (_length > 0 && _item[_length - 1] != ' ')
            Append((byte)' ');
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > ItemBytesMax - _length)
            Fault = ItemFault.TooLarge;
        if (Fault != ItemFault.None)
            return;
        if (bytes.Length > _item.Length - _length)
            Array.Resize(ref _item, Math.Min(ItemBytesMax, Math.Max(_item.Length * 2, _length + bytes.Length)));
        bytes.CopyTo(_item.AsSpan(_length));
        _length += bytes.Length;
    }
}
