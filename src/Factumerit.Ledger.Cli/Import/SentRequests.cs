using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// Which calls of a file were met on which line, so that one that comes twice is reported. A call takes 20 bytes, however long
/// its id is, in many short lists: they grow in small steps, where one large table would be copied as a whole.
/// </summary>
internal sealed class SentRequests
{
    private const int HashBytes = 16;
    private const int Lists = 4096;

    private readonly (List<Guid> Calls, List<uint> Lines)[] _lists =
        [.. Enumerable.Range(0, Lists).Select(_ => (new List<Guid>(), new List<uint>()))];

    /// <summary>The line that had the call before; null for one that is new, which is remembered.</summary>
    public long? FindEarlier(UsageRow row)
    {
        if (row.Key is not var (userId, requestId))
            return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{userId} {requestId}"), hash);
        var call = new Guid(hash[..HashBytes]);
        var (calls, lines) = _lists[BinaryPrimitives.ReadUInt16LittleEndian(hash[HashBytes..]) % Lists];
        if (calls.IndexOf(call) is >= 0 and var index)
            return lines[index];
        calls.Add(call);
        lines.Add((uint)row.Line);
        return null;
    }
}
