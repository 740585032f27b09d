using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Tells whether two requests with one idempotency key are the same (R9): the first 64 bits of the SHA-256 over their fields in a fixed order.
/// Fields are compared by value, so 5 and 5.00 are the same amount, and the order of fields and white space between them do not matter;
/// metadata is compared as it was sent.
/// </summary>
public readonly struct RequestHash
{
    // 29 digits, a sign and a point are the longest there are.
    private const int NumberLengthMax = 32;

    private RequestHash(long value) => Value = value;

    public long Value { get; }

    /// <summary>Hashes the values, each behind its length, so that no two lists of values run into each other.</summary>
    public static RequestHash Of(params ReadOnlySpan<object?> values)
    {
        var canonical = new ArrayBufferWriter<byte>(256);
        foreach (var value in values)
            Append(canonical, value);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(canonical.WrittenSpan, hash);
        return new RequestHash(BinaryPrimitives.ReadInt64BigEndian(hash));
    }

    private static void Append(ArrayBufferWriter<byte> canonical, object? value)
    {
        switch (value)
        {
            case null:
                // A length of -1 stands for a missing value, which is not the same as an empty one.
                AppendLength(canonical, -1);
                break;
            case string text:
                AppendLength(canonical, Encoding.UTF8.GetByteCount(text));
                Encoding.UTF8.GetBytes(text, canonical);
                break;
            case decimal cents:
                AppendNumber(canonical, Money.Normalize(cents));
                break;
            case long number:
                AppendNumber(canonical, number);
                break;
            case DateTimeOffset time:
                AppendNumber(canonical, time.UtcTicks);
                break;
            default:
                throw new ArgumentException($"A {value.GetType().Name} has no canonical text.", nameof(value));
        }
    }

    // As text, which says the same of a number whatever its type.
    private static void AppendNumber<T>(ArrayBufferWriter<byte> canonical, T number)
        where T : IUtf8SpanFormattable
    {
        Span<byte> text = stackalloc byte[NumberLengthMax];
        number.TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        AppendLength(canonical, length);
        canonical.Write(text[..length]);
    }

    private static void AppendLength(ArrayBufferWriter<byte> canonical, int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(canonical.GetSpan(sizeof(int)), length);
        canonical.Advance(sizeof(int));
    }
}
