using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Reads what LiteLLM sends as a stream, one item at a time. The body may be an array, lines, single or concatenated
/// objects, or the wrapper of a replay; the bytes alone decide which. Memory use doesn't grow with the size of a body
/// or a prompt. An item that can't be read is yielded as a problem, and reading continues.
/// </summary>
public static class IntakeReader
{
    public const string Malformed = "malformed-request";
    public const string Invalid = "validation-failed";

    public static IAsyncEnumerable<IntakeItem> ReadAsync(
        PipeReader body, CancellationToken cancellationToken = default) =>
        ReadAsync(body, new ItemScanner(), cancellationToken);

    /// <summary>
    /// Reads a complete list of spend logs: an array, or a page with an array in it. Returns null if the body is
    /// neither or is incomplete.
    /// </summary>
    internal static async Task<SpendLogPage?> ReadPageAsync(PipeReader body, CancellationToken cancellationToken)
    {
        var (scanner, items) = (new ItemScanner(), new List<IntakeItem>());
        await foreach (var item in ReadAsync(body, scanner, cancellationToken))
            items.Add(item);
        var isList = (scanner.HasArray || scanner.HasRecords) && !scanner.IsBrokenOff;
        return isList ? new SpendLogPage(items, scanner.HasRecords, scanner.TotalPages) : null;
    }

    private static async IAsyncEnumerable<IntakeItem> ReadAsync(
        PipeReader body, ItemScanner scanner, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var count = 0;
        while (true)
        {
            var reading = await body.ReadAsync(cancellationToken);
            try
            {
                foreach (var chunk in reading.Buffer)
                {
                    var at = 0;
                    while (scanner.Read(chunk.Span, ref at))
                        yield return TakeItem(scanner, count++);
                }
            }
            finally
            {
                // This also runs if the consumer stops early. The server then reads the rest of the body, which it
                // can't do while a read is open.
                body.AdvanceTo(reading.Buffer.End);
            }
            if (reading.IsCompleted)
                break;
        }
        if (scanner.End())
            yield return TakeItem(scanner, count);
    }

    private static IntakeItem TakeItem(ItemScanner scanner, int index)
    {
        var item = scanner.Fault switch
        {
            ItemFault.None => CallReader.Read(index, scanner.Item),
            ItemFault.Malformed => Failed(Malformed, "The item is not one complete JSON value."),
            ItemFault.BrokenOff => Failed(Malformed, "The body ends before it is complete."),
            _ => Failed(
                Invalid,
                $"The item has more than {ItemScanner.ItemBytesMax / 1024} KiB in the names and values "
                + "that are looked for."),
        };
        scanner.Next();
        return item;

        IntakeItem Failed(string code, string detail) => new(index, null, new IntakeProblem(code, detail));
    }
}
