using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// Request ids for rows that have none, derived from the fields that identify a row and not from its amounts. The
/// same file gives the same ids again, so nothing is recorded twice. If a row's amount has changed since, the service
/// refuses the row instead of charging it beside the first one. Rows with the same identifying fields are numbered.
/// </summary>
internal sealed class DerivedIds(string prefix)
{
    private const int HashBytes = 16;

    private readonly Dictionary<string, int> _rows = new(StringComparer.Ordinal);

    public string Next(params ReadOnlySpan<string?> names)
    {
        // No cell contains the separator, so different lists of names never give the same text.
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\u001f', names)));
        var id = $"{prefix}-{Convert.ToHexStringLower(hash.AsSpan(0, HashBytes))}";
        var number = _rows[id] = _rows.GetValueOrDefault(id) + 1;
        return number == 1 ? id : $"{id}-{number}";
    }
}
