using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>A list of LiteLLM's spend logs.</summary>
/// <param name="Items">The rows.</param>
/// <param name="IsWrapped">Whether the rows stood in an object, as the rows of a page do.</param>
/// <param name="TotalPages">The number of pages by LiteLLM's count; null if LiteLLM doesn't report it.</param>
internal sealed record SpendLogPage(List<IntakeItem> Items, bool IsWrapped, int? TotalPages)
{
    /// <summary>A hash of the rows: the same for the same rows, and for no others.</summary>
    public UInt128 Fingerprint()
    {
        // A row that can't be read has no id, so its position is used instead.
        var ids = Items.Select(item => item.Call is { } call ? $"{call.Aliases[0]} {call.DerivedId}" : $"{item.Index}");
        return BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', ids))));
    }
}
