using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// A page of OpenAI's costs as the API returns it: <c>data[].results[].amount.value</c>. Pages are small and are read
/// whole.
/// </summary>
internal sealed class OpenAiPage : UsageSource
{
    private const int BytesMax = 64 * 1024 * 1024;

    private readonly string _path;
    private readonly OpenAiCosts _costs;
    private readonly JsonDocument _page;

    private OpenAiPage(string path, OpenAiCosts costs, JsonDocument page) =>
        (_path, _costs, _page) = (path, costs, page);

    public override double Progress => 1;

    public override string Unit => "result ";

    public override string? Note => Field(_page.RootElement, "has_more", JsonValueKind.True) is null
        ? null
        : $"{_path}: is only one page of several: "
            + $"request page={Text(_page.RootElement, "next_page")} from the API and import it too.";

    /// <summary>Reads a pipe whole, because a pipe can't be read again from its start.</summary>
    public static async Task<Stream> BufferAsync(string path, Stream pipe, CancellationToken cancellationToken)
    {
        await using (pipe)
        {
            var buffer = new MemoryStream();
            var part = new byte[64 * 1024];
            for (int read; (read = await pipe.ReadAsync(part, cancellationToken)) > 0;)
            {
                if (buffer.Length + read > BytesMax)
                    throw new FaException(
                        $"{path}: is larger than {BytesMax} bytes, the limit for a pipe: pass a file name instead.");
                buffer.Write(part, 0, read);
            }
            buffer.Position = 0;
            return buffer;
        }
    }

    /// <summary>True if the file begins like JSON.</summary>
    public static bool IsPage(Stream file)
    {
        int next;
        do
            next = file.ReadByte();
        while (next is ' ' or '\t' or '\r' or '\n' or 0xEF or 0xBB or 0xBF);
        file.Position = 0;
        return next is '{' or '[';
    }

    /// <summary>Parses the page. Throws if the file is too large, not JSON or not a page of costs.</summary>
    public static async Task<OpenAiPage> ReadAsync(
        string path, Stream file, OpenAiCosts costs, CancellationToken cancellationToken)
    {
        if (file.Length > BytesMax)
            throw new FaException($"{path}: is larger than {BytesMax} bytes, the limit for a page of the API.");
        try
        {
            var page = await JsonDocument.ParseAsync(file, default, cancellationToken);
            if (Field(page.RootElement, "data", JsonValueKind.Array) is not null)
                return new OpenAiPage(path, costs, page);
            page.Dispose();
            throw new FaException($"{path}: is not a page of OpenAI's costs: it has no array named data.");
        }
        catch (JsonException failure)
        {
            throw new FaException($"{path}: is not valid JSON: {failure.Message}");
        }
    }

    public override async IAsyncEnumerable<UsageRow> RowsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var number = 0L;
        foreach (var bucket in _page.RootElement.GetProperty("data").EnumerateArray())
        {
            var results = Field(bucket, "results", JsonValueKind.Array)?.EnumerateArray().ToList() ?? [];
            if (results.Count == 0)
                yield return UsageRow.Empty(++number);
            foreach (var result in results)
                yield return ToRow(++number, bucket, result);
        }
    }

    public override void Dispose() => _page.Dispose();

    private UsageRow ToRow(long number, JsonElement bucket, JsonElement result)
    {
        if (Field(result, "amount", JsonValueKind.Object) is not { } amount)
            return UsageRow.Faulty(number, "has no amount: the file must be a page of costs");
        return _costs.Read(number, field => field switch
        {
            "start_time" or "end_time" => Text(bucket, field),
            "amount_value" => Text(amount, "value"),
            "amount_currency" => Text(amount, "currency"),
            _ => Text(result, field),
        });
    }

    private static JsonElement? Field(JsonElement item, string name, JsonValueKind kind) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value
            : null;

    // Numbers keep the digits of the file.
    private static string? Text(JsonElement item, string name) =>
        Field(item, name, JsonValueKind.Number)?.GetRawText()
        ?? (Field(item, name, JsonValueKind.String)?.GetString() is { Length: > 0 } text ? text : null);
}
