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
        var text = value switch
        {
            null => null,
            string own => own,
            decimal cents => Money.Format(cents),
            long number => number.ToString(CultureInfo.InvariantCulture),
            DateTimeOffset time => time.UtcTicks.ToString(CultureInfo.InvariantCulture),
            _ => throw new ArgumentException($"A {value.GetType().Name} has no canonical text.", nameof(value)),
        };
        // A length of -1 stands for a missing value, which is not the same as an empty one.
        BinaryPrimitives.WriteInt32LittleEndian(canonical.GetSpan(sizeof(int)), text is null ? -1 : Encoding.UTF8.GetByteCount(text));
        canonical.Advance(sizeof(int));
        Encoding.UTF8.GetBytes(text ?? "", canonical);
    }
}
