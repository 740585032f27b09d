using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>
/// LiteLLM's own record of its calls in a span of time, page by page; on older versions, which have no pages, day by day. Calls that come in
/// meanwhile may be told twice, never missed.
/// </summary>
public sealed class SpendLogs(LiteLlmClient liteLlm)
{
    private const int PageSize = 100;
    private const int PagesMax = 100_000;

    /// <summary>The calls from <paramref name="from"/> on, before <paramref name="to"/>; a row that can't be read is a problem.</summary>
    public async IAsyncEnumerable<IntakeItem> ReadAsync(DateTimeOffset from, DateTimeOffset to, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        (from, to) = (from.ToUniversalTime(), to.ToUniversalTime());
        var hasPages = true;
        for (var page = 1; hasPages && page <= PagesMax; page++)
        {
            List<IntakeItem> items;
            try
            {
                items = await liteLlm.ReadItemsAsync(PathOf(from, to, page), cancellationToken);
            }
            catch (LiteLlmException exception) when (page == 1 && exception.Status == (int)HttpStatusCode.NotFound)
            {
                hasPages = false;
                continue;
            }
            foreach (var item in Within(items, from, to))
                yield return item;
            // Behind the last page come empty ones. An answer that is no list at all is one problem, whatever the page.
            if (items is [] or [{ Call: null }])
                yield break;
        }
        // The days of the old endpoint end at midnight, and its answers are cut to the span here.
        for (var day = new DateTimeOffset(from.Date, TimeSpan.Zero); !hasPages && day < to; day = day.AddDays(1))
        {
            var items = await liteLlm.ReadItemsAsync(PathOf(day), cancellationToken);
            foreach (var item in Within(items, from > day ? from : day, to < day.AddDays(1) ? to : day.AddDays(1)))
                yield return item;
        }
    }

    // A call without a time is included, so that it isn't lost.
    private static IEnumerable<IntakeItem> Within(List<IntakeItem> items, DateTimeOffset from, DateTimeOffset to) =>
        items.Where(i => i.Call is not { OccurredAt: { } time } || (time >= from && time < to));

    // Ascending, so that what comes in meanwhile moves nothing to a page that was read already. To the second: the rest is cut off here.
    private static string PathOf(DateTimeOffset from, DateTimeOffset to, int page) =>
        $"/spend/logs/v2?start_date={Second(from)}&end_date={Second(to.AddSeconds(1))}&page={page.ToString(CultureInfo.InvariantCulture)}"
        + $"&page_size={PageSize.ToString(CultureInfo.InvariantCulture)}&sort_by=startTime&sort_order=asc";

    private static string PathOf(DateTimeOffset day) => $"/spend/logs?start_date={Day(day)}&end_date={Day(day.AddDays(1))}&summarize=false";

    private static string Second(DateTimeOffset time) => Uri.EscapeDataString(time.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));

    private static string Day(DateTimeOffset time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
