using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// Request ids for rows that have none, made from what names a row and not from what it counts. The same file again has the
/// same ids, so that nothing is recorded twice; a row whose amount has changed since is refused by the service instead of being
/// charged beside the first. Rows of one name are numbered.
/// </summary>
internal sealed class DerivedIds(string prefix)
{
    private const int HashBytes = 16;

    private readonly Dictionary<string, int> _rows = new(StringComparer.Ordinal);

    public string Next(params ReadOnlySpan<string?> names)
    {
        // The separator is in no cell, so that no two lists of names run into each other.
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\u001f', names)));
        var id = $"{prefix}-{Convert.ToHexStringLower(hash.AsSpan(0, HashBytes))}";
        var number = _rows[id] = _rows.GetValueOrDefault(id) + 1;
        return number == 1 ? id : $"{id}-{number}";
    }
}
