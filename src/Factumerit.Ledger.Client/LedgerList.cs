using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Factumerit.Ledger.Client;

/// <summary>
/// One of the service's lists: the field of a page with the items, the field with the cursor of the next page, and the
/// query parameter for the cursor.
/// </summary>
public sealed record LedgerList(string Items, string Next, string Parameter)
{
    /// <summary>The service's largest page, for few round trips.</summary>
    public const int PageSize = 1000;

    public static readonly LedgerList Users = After("users");
    public static readonly LedgerList Prices = After("prices");
    public static readonly LedgerList VirtualKeys = After("virtual_keys");
    public static readonly LedgerList Holds = After("holds");
    public static readonly LedgerList ApiKeys = After("api_keys");
    public static readonly LedgerList Accounts = After("accounts");
    public static readonly LedgerList Groups = After("groups");
    public static readonly LedgerList Usages = Before("usages");
    public static readonly LedgerList Changes = Before("changes");
    public static readonly LedgerList Entries = Before("entries");
    public static readonly LedgerList Transactions = Before("transactions");
    public static readonly LedgerList Faults = Before("faults");

    /// <summary>All pages with their items, as they were received.</summary>
    /// <param name="path">The path of the list, which may have a query.</param>
    /// <param name="getAsync">Gets the page with that path.</param>
    /// <param name="itemsMax">How many items are wanted. No page has more than are left of them.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async IAsyncEnumerable<LedgerPage> PagesAsync(
        string path,
        Func<string, CancellationToken, Task<LedgerAnswer>> getAsync,
        int itemsMax = int.MaxValue,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var cursor = "";
        for (var left = itemsMax; left > 0;)
        {
            var answer = await getAsync(PathOf(path, Math.Min(left, PageSize), cursor), cancellationToken);
            var page = answer.Read<JsonElement>();
            var items = ItemsOf(page, answer).ToList();
            yield return new LedgerPage(answer, page, items);
            left -= items.Count;
            var next = page.TryGetProperty(Next, out var value) ? value.ToString() : "";
            // A repeated cursor would loop forever.
            if (next.Length == 0 || next == cursor)
                yield break;
            cursor = next;
        }
    }

    /// <summary>The items of a page, as they were received.</summary>
    public IEnumerable<JsonElement> ItemsOf(JsonElement page, LedgerAnswer answer) =>
        page.ValueKind == JsonValueKind.Object
        && page.TryGetProperty(Items, out var items)
        && items.ValueKind == JsonValueKind.Array
            ? items.EnumerateArray()
            : throw new LedgerAnswerException(
                $"The answer holds no {Items}: is it the ledger's address?", answer, null);

    private static LedgerList After(string items) => new(items, "next_after", "after");

    private static LedgerList Before(string items) => new(items, "next_before", "before");

    private string PathOf(string path, int limit, string cursor)
    {
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        var query = $"{path}{separator}limit={limit.ToString(CultureInfo.InvariantCulture)}";
        return cursor.Length == 0 ? query : $"{query}&{Parameter}={Uri.EscapeDataString(cursor)}";
    }
}

/// <summary>A page of a list, as it was received.</summary>
/// <param name="Answer">The answer that has the page.</param>
/// <param name="Json">The whole page.</param>
/// <param name="Items">Its items.</param>
public sealed record LedgerPage(LedgerAnswer Answer, JsonElement Json, IReadOnlyList<JsonElement> Items);
