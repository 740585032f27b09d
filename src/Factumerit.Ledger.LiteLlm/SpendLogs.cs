using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Reads LiteLLM's own record of its calls in a span of time, page by page. Older versions have no pages and are read
/// day by day. A call that arrives meanwhile may be returned twice, but is never missed.
/// </summary>
public sealed class SpendLogs(LiteLlmClient liteLlm)
{
    private const int PageSize = 100;

    /// <summary>The maximum number of pages to read for one span.</summary>
    internal int PagesMax { get; init; } = 10_000;

    /// <summary>
    /// Reads the calls from <paramref name="from"/> on, before <paramref name="to"/>. A row that can't be read is
    /// yielded as a problem.
    /// </summary>
    public async IAsyncEnumerable<IntakeItem> ReadAsync(
        DateTimeOffset from, DateTimeOffset to, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        (from, to) = (from.ToUniversalTime(), to.ToUniversalTime());
        if (await FindFirstPageAsync(from, to, cancellationToken) is { } first)
        {
            await foreach (var items in ReadPagesAsync(first, from, to, cancellationToken))
                foreach (var item in Within(items, from, to))
                    yield return item;
            yield break;
        }
        // The days of the old endpoint end at midnight. Its answers are cut to the span here.
        for (var day = new DateTimeOffset(from.Date, TimeSpan.Zero); day < to; day = day.AddDays(1))
        {
            var list = await liteLlm.ReadPageAsync(PathOf(day), isWrapped: false, cancellationToken);
            foreach (var item in Within(list.Items, from > day ? from : day, to < day.AddDays(1) ? to : day.AddDays(1)))
                yield return item;
        }
    }

    // Returns null if this version of LiteLLM has no pages.
    private async Task<SpendLogPage?> FindFirstPageAsync(
        DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        try
        {
            return await liteLlm.ReadPageAsync(PathOf(from, to, 1), isWrapped: true, cancellationToken);
        }
        catch (LiteLlmException exception) when (exception.Status == (int)HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    // Reads up to the last page by LiteLLM's own count, or to an empty page. A repeated page means that other rows are
    // missing.
    private async IAsyncEnumerable<List<IntakeItem>> ReadPagesAsync(
        SpendLogPage page, DateTimeOffset from, DateTimeOffset to,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var seen = new HashSet<UInt128>();
        for (var number = 1; page.Items.Count > 0; number++)
        {
            if (!seen.Add(page.Fingerprint()))
                throw LiteLlmErrors.PageRepeated(number);
            yield return page.Items;
            if (page.TotalPages is > 0 and var total && number >= total)
                yield break;
            if (number == PagesMax)
                throw LiteLlmErrors.TooManyPages(PagesMax);
            page = await liteLlm.ReadPageAsync(PathOf(from, to, number + 1), isWrapped: true, cancellationToken);
        }
    }

    // A call without a time is included, so that it isn't lost.
    private static IEnumerable<IntakeItem> Within(List<IntakeItem> items, DateTimeOffset from, DateTimeOffset to) =>
        items.Where(i => i.Call is not { OccurredAt: { } time } || (time >= from && time < to));

    // Ascending, so that new rows don't shift the rows of pages that were already read. Times are sent in whole
    // seconds; ReadAsync cuts the rows to the exact span.
    private static string PathOf(DateTimeOffset from, DateTimeOffset to, int page) =>
        $"/spend/logs/v2?start_date={Second(from)}&end_date={Second(to.AddSeconds(1))}"
        + $"&page={page.ToString(CultureInfo.InvariantCulture)}"
        + $"&page_size={PageSize.ToString(CultureInfo.InvariantCulture)}&sort_by=startTime&sort_order=asc";

    private static string PathOf(DateTimeOffset day) =>
        $"/spend/logs?start_date={Day(day)}&end_date={Day(day.AddDays(1))}&summarize=false";

    private static string Second(DateTimeOffset time) =>
        Uri.EscapeDataString(time.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));

    private static string Day(DateTimeOffset time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
