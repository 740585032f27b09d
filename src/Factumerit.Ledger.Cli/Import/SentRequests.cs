using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// Which calls of a file were met on which line, so that one that comes twice is reported. A call takes 32 bytes of memory, however long its id is.
/// </summary>
internal sealed class SentRequests
{
    private const int HashBytes = 16;

    private readonly Dictionary<Guid, uint> _lines = [];

    /// <summary>The line that had the call before; null for one that is new, which is remembered.</summary>
    public long? FindEarlier(UsageRow row)
    {
        if (row.Key is not var (userId, requestId))
            return null;
        var call = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{userId} {requestId}")).AsSpan(0, HashBytes));
        return _lines.TryAdd(call, (uint)row.Line) ? null : _lines[call];
    }
}
