using System.Buffers.Binary;

namespace Factumerit.Ledger;

/// <summary>
/// Generates ids of transactions and usages: version 7 UUIDs that never decrease within this process, so inserts go to
/// the end of the index. The 12 bits after the milliseconds are a counter instead of random (RFC 9562, section 6.2,
/// method 1); the last 62 bits are random.
/// </summary>
public static class UuidV7
{
    private const int CounterBits = 12;

    // Milliseconds and counter of the last id, as one number. The thread whose compare-and-swap succeeds owns the next
    // id.
    private static long _last;

    /// <summary>
    /// The next id. It carries the given time, or a later time when more than 4096 ids were made in a millisecond.
    /// </summary>
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

        // Ids are not secrets, so a fast non-cryptographic generator is enough. It saves a system call per id.
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(
            bytes, ((ulong)(next >> CounterBits) << 16) | 0x7000 | ((ulong)next & 0xFFF));
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], (1L << 63) | Random.Shared.NextInt64(1L << 62));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>The smallest id that carries this time.</summary>
    public static Guid First(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, time.ToUnixTimeMilliseconds() << 16);
        return new Guid(bytes, bigEndian: true);
    }
}
