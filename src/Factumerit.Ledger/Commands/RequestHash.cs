using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Tells whether two requests with one idempotency key are the same (R9): the first 128 bits of the SHA-256 over their fields in a fixed order.
/// Fields are compared by value, so 5 and 5.00 are the same amount, and the order of fields and white space do not matter.
/// </summary>
public readonly struct RequestHash
{
    public const int Length = 16;

    private RequestHash(byte[] bytes) => Bytes = bytes;

    public byte[] Bytes { get; }

    public bool Matches(byte[] other) => Bytes.AsSpan().SequenceEqual(other);

    /// <summary>Hashes the values with their lengths, so that no two lists of values run into each other.</summary>
    public static RequestHash Of(params ReadOnlySpan<object?> values)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (var value in values)
        {
            var text = value is null ? null : Encoding.UTF8.GetBytes(Canonical(value));
            BinaryPrimitives.WriteInt32LittleEndian(length, text?.Length ?? -1);
            hash.AppendData(length);
            hash.AppendData(text ?? []);
        }
        return new RequestHash(hash.GetHashAndReset()[..Length]);
    }

    private static string Canonical(object value) => value switch
    {
        string text => text,
        decimal cents => Money.Format(cents),
        long number => number.ToString(CultureInfo.InvariantCulture),
        DateTimeOffset time => time.UtcTicks.ToString(CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"A {value.GetType().Name} has no canonical text.", nameof(value)),
    };
}
