using System.Text.Json;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>Copies the wanted fields of an item and decides which values are left out.</summary>
internal sealed partial class ItemScanner
{
    private bool ReadKept(ReadOnlySpan<byte> bytes, ref int at)
    {
        while (at < bytes.Length)
        {
            if (_length == ItemBytesMax && _valueStart >= 0)
            {
                LeaveOutHere();
                return false;
            }
            var next = bytes[at++];
            // An object that continues on its first line is compact: it must end on that line.
            if (_length == 1 && _depth == 1)
                _isCompact = next is not ((byte)'\n' or (byte)'\r');
            switch (next)
            {
                case (byte)'"':
                    Append(next);
                    (_mode, _isName, _textStart) = (Mode.KeptText, _expectsName, _length);
                    return false;
                case (byte)'{' or (byte)'[':
                    Open(next);
                    if (_mode != Mode.Kept)
                        return false;
                    break;
                case (byte)'}' or (byte)']':
                    Append(next);
                    _expectsName = false;
                    if (--_depth == 0)
                        return true;
                    EndValue();
                    break;
                case (byte)',':
                    Append(next);
                    (_expectsName, _isCallersOwn) = (_open[_depth - 1].IsObject, false);
                    EndValue();
                    break;
                case (byte)':':
                    Append(next);
                    if (_isAfterName)
                        ChooseValue();
                    if (_mode != Mode.Kept)
                        return false;
                    break;
                case (byte)'\n':
                    AppendSpace();
                    _isLineStart = true;
                    return false;
                case (byte)' ' or (byte)'\t' or (byte)'\r':
                    AppendSpace();
                    break;
                default:
                    (_mode, _bareStart) = (Mode.KeptBare, _length);
                    at--;
                    return false;
            }
        }
        return false;
    }

    // Reads true, false, null or a number. Python also writes NaN and Infinity.
    private bool ReadKeptBare(ReadOnlySpan<byte> bytes, ref int at)
    {
        var rest = bytes[at..];
        var stop = rest.IndexOfAny(BareStops);
        var count = stop < 0 ? rest.Length : stop;
        // Copy at most one byte more than allowed: that byte shows that the value is too long.
        Append(rest[..Math.Min(count, Math.Max(0, BareBytesMax + 1 - (_length - _bareStart)))]);
        at += count;
        if (stop < 0)
            return false;
        _mode = Mode.Kept;
        if (Fault == ItemFault.TooLarge)
            LeaveOutHere();
        else if (!IsScalar(_item.AsSpan(_bareStart, _length - _bareStart)))
        {
            _length = _bareStart;
            Append("[]"u8);
        }
        return false;
    }

    private static bool IsScalar(ReadOnlySpan<byte> bare)
    {
        if (bare.Length > BareBytesMax)
            return false;
        try
        {
            var reader = new Utf8JsonReader(bare);
            return reader.Read() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void Open(byte bracket)
    {
        if (_isCallersOwn)
        {
            LeaveOut(_length, ValueSkipper.Inside());
            return;
        }
        if (_depth == DepthMax)
        {
            if (_valueStart >= 0)
            {
                LeaveValueOut(ValueSkipper.Inside(_depth - _valueDepth + 1));
                return;
            }
            Fault = ItemFault.Malformed;
            Skip(ValueSkipper.Inside());
            return;
        }
        Append(bracket);
        var isObject = bracket == '{';
        _open[_depth++] = (isObject ? _inside : Level.None, isObject);
        (_inside, _expectsName) = (Level.None, isObject);
    }

    /// <summary>
    /// Decides after a name's colon whether the value is kept, skipped, or the array that holds the items.
    /// </summary>
    private void ChooseValue()
    {
        (_isAfterName, _expectsName) = (false, false);
        var (level, _) = _open[_depth - 1];
        if (!PayloadFields.ArePicked(level))
            return;
        if (_found is { Field: not Field.Records } field)
        {
            // `end_user` is set by the caller. A long or deep value must not make its call too large to be read.
            (_inside, _isCallersOwn) = (field.Inside, field.Field is Field.EndUser or Field.User);
            (_valueStart, _valueDepth) = (_length, _depth);
            if (field.Inside == Level.Response)
                _mode = Mode.BeforeResponse;
            return;
        }
        Append("null"u8);
        if (_found is not null && _depth == 1 && _place == Place.Top)
            _mode = Mode.BeforeRecords;
        else
            Skip(ValueSkipper.Before());
    }

    private bool ReadKeptText(ReadOnlySpan<byte> bytes, ref int at)
    {
        if (_isEscaped)
        {
            _isEscaped = false;
            Append(bytes[at++]);
            return false;
        }
        var rest = bytes[at..];
        var stop = rest.IndexOfAny(TextStops);
        var count = stop < 0 ? rest.Length : stop + 1;
        if (_isCallersOwn && _length - _textStart + count > CallersTextBytesMax)
        {
            LeaveOut(_textStart - 1, ValueSkipper.InsideText());
            return false;
        }
        Append(rest[..count]);
        at += count;
        if (stop < 0)
        {
            if (Fault == ItemFault.TooLarge)
                LeaveOutHere();
            return false;
        }
        switch (rest[stop])
        {
            case (byte)'\\':
                _isEscaped = true;
                break;
            case (byte)'\n':
                _isLineStart = true;
                break;
            default:
                _mode = Mode.Kept;
                if (_isName)
                {
                    (_isName, _isAfterName) = (false, true);
                    // The part beyond the limit is discarded.
                    _found = Fault == ItemFault.None
                        ? PayloadFields.Find(
                            _open[_depth - 1].Level, _item.AsSpan(_textStart, _length - _textStart - 1))
                        : null;
                }
                break;
        }
        if (Fault == ItemFault.TooLarge)
            LeaveOutHere();
        return false;
    }

    // Leaves out the value that is being read, because there is no room for more of it.
    private void LeaveOutHere()
    {
        var (depth, isText, isBegun) = (
            _depth - _valueDepth, _mode == Mode.KeptText, _length > _valueStart || Fault != ItemFault.None);
        if (_valueStart < 0)
            return;
        LeaveValueOut(
            isText ? ValueSkipper.InsideText(depth, _isEscaped)
            : isBegun ? ValueSkipper.Inside(depth)
            : ValueSkipper.Before());
        _isEscaped = false;
        // The value was already read to its end.
        if (!isText && isBegun && depth == 0)
            _mode = Mode.Kept;
    }

    // Writes an empty array in place of the current field's value and skips the rest of the value.
    private void LeaveValueOut(ValueSkipper skipper)
    {
        (Fault, _length, _depth, _valueStart) = (ItemFault.None, _valueStart, _valueDepth, -1);
        (_expectsName, _isName) = (false, false);
        Append("[]"u8);
        Skip(skipper);
    }

    private void EndValue() => _valueStart = _depth <= _valueDepth ? -1 : _valueStart;
}
