using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// The line of each call of a file, to report duplicate calls. A call takes 20 bytes, whatever the length of its id.
/// The calls are in many short lists, which grow in small steps; one large table would be copied as a whole to grow.
/// </summary>
internal sealed class SentRequests
{
    private const int HashBytes = 16;
    private const int Lists = 4096;

    private readonly (List<Guid> Calls, List<uint> Lines)[] _lists =
        [.. Enumerable.Range(0, Lists).Select(_ => (new List<Guid>(), new List<uint>()))];

    /// <summary>
    /// The line of an earlier row with the same call. For a new call, remembers its line and returns null.
    /// </summary>
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
