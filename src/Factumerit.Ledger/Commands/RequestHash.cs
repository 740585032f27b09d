using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Tells whether two requests with one idempotency key are the same (R9): the first 64 bits of the SHA-256 over their
/// fields in a fixed order. Fields are compared by value: 5 and 5.00 are the same amount. The order of fields and the
/// white space between them don't matter. Metadata is compared as sent.
/// </summary>
public readonly struct RequestHash
{
    // The longest number has 29 digits, a sign and a point.
    private const int NumberLengthMax = 32;

    private RequestHash(long value) => Value = value;

    public long Value { get; }

    /// <summary>
    /// Hashes the values, each prefixed with its length, so two different lists never give the same bytes.
    /// </summary>
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
                // A length of -1 stands for a missing value, which differs from an empty one.
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

    // As text, so equal numbers of different types have the same hash.
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
