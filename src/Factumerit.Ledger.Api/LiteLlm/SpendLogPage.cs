using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>A list of LiteLLM's spend logs.</summary>
/// <param name="Items">Its rows.</param>
/// <param name="IsWrapped">Whether the rows stood in an object, as those of a page do.</param>
/// <param name="TotalPages">How many pages there are, as LiteLLM counts them; null when it doesn't say.</param>
internal sealed record SpendLogPage(List<IntakeItem> Items, bool IsWrapped, int? TotalPages)
{
    /// <summary>The same for the same rows, and for no others.</summary>
    public UInt128 Fingerprint()
    {
        // A row that can't be read has no id; its place stands for it.
        var ids = Items.Select(item => item.Call is { } call ? $"{call.Aliases[0]} {call.DerivedId}" : $"{item.Index}");
        return BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', ids))));
    }
}
