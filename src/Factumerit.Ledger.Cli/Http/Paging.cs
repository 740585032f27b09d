using System.Text.Json;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// The paging of one of the service's lists: the field with the items, the field with the next page's cursor and the
/// query parameter for the cursor.
/// </summary>
internal sealed record Paging(string Items, string Next, string Parameter)
{
    public static readonly Paging Users = new("users", "next_after", "after");
    public static readonly Paging Prices = new("prices", "next_after", "after");
    public static readonly Paging VirtualKeys = new("virtual_keys", "next_after", "after");
    public static readonly Paging ApiKeys = new("api_keys", "next_after", "after");
    public static readonly Paging Accounts = new("accounts", "next_after", "after");
    public static readonly Paging Groups = new("groups", "next_after", "after");
    public static readonly Paging Usages = new("usages", "next_before", "before");
    public static readonly Paging Changes = new("changes", "next_before", "before");
    public static readonly Paging Entries = new("entries", "next_before", "before");

    public IEnumerable<JsonElement> ItemsOf(JsonElement page) =>
        page.ValueKind == JsonValueKind.Object
        && page.TryGetProperty(Items, out var items)
        && items.ValueKind == JsonValueKind.Array
            ? items.EnumerateArray()
            : throw new FaException($"The answer holds no {Items}: is it the ledger's address?");

    /// <summary>The cursor of the next page; empty on the last page.</summary>
    public string NextOf(JsonElement page) => page.TryGetProperty(Next, out var next) ? next.ToString() : "";
}
