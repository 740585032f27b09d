using System.Buffers.Binary;

namespace Factumerit.Ledger;

/// <summary>
/// Ids of transactions and usages: UUIDs of version 7 that never go backwards within this process, so that they fill an index from its end.
/// The 12 bits behind the milliseconds are a counter instead of random (RFC 9562, section 6.2, method 1); the last 62 bits stay random.
/// </summary>
public static class UuidV7
{
    private const int CounterBits = 12;

    // Milliseconds and counter of the last id, as one number: whoever gets to add to it has the next id to himself.
    private static long _last;

    /// <summary>The next id. It carries the time, or a later one when ids were made faster than 4096 in a millisecond.</summary>
    public static Guid Next(DateTimeOffset time)
    {
        var earliest = time.ToUnixTimeMilliseconds() << CounterBits;
        long last, next;
        do
        {
            last = Volatile.Read(ref _last);
            next = Math.Max(earliest, last + 1);
        }
        while (Interlocked.CompareExchange(ref _last, next, last) != last);

        // Nothing rests on nobody guessing an id, so the random bits need not come from the system, which would cost a
        // call of it for each.
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, ((ulong)(next >> CounterBits) << 16) | 0x7000 | ((ulong)next & 0xFFF));
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], (1L << 63) | Random.Shared.NextInt64(1L << 62));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>The least of all ids that carry this time.</summary>
    public static Guid First(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, time.ToUnixTimeMilliseconds() << 16);
        return new Guid(bytes, bigEndian: true);
    }
}
