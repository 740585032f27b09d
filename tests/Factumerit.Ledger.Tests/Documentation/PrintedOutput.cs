using System.Text.RegularExpressions;

namespace Factumerit.Ledger.Tests.Documentation;

/// <summary>
/// Compares the output of commands with what the documents print. Times, secrets and trace ids differ from run to run.
/// So do ids, but an id that a document prints means the same thing further down. A line <c>...</c> stands for any
/// number of lines.
/// </summary>
internal sealed partial class PrintedOutput
{
    private readonly Dictionary<string, string> _ids = [];

    /// <summary>A later command with the ids of this run in place of those that the document prints.</summary>
    public string WithIdsOfThisRun(string command) =>
        Id().Replace(command, id => _ids.GetValueOrDefault(id.Value, id.Value));

    /// <summary>Null where both are the same, else what is not.</summary>
    public string? Difference(IReadOnlyList<string> printed, string output)
    {
        if (printed.Count == 0)
            return null;
        var actual = output.TrimEnd('\n').Split('\n');
        var place = 0;
        for (var index = 0; index < printed.Count; index++, place++)
        {
            if (printed[index] == "...")
            {
                if (index == printed.Count - 1)
                    return null;
                place = Array.FindIndex(actual, place, line => IsSame(printed[index + 1], line)) - 1;
                if (place < -1)
                    return $"no line '{printed[index + 1]}' in\n{output}";
                continue;
            }
            if (place >= actual.Length || !IsSame(printed[index], actual[place]))
                return $"not '{printed[index]}' but\n{output}";
            foreach (var (documented, found) in Id().Matches(printed[index]).Zip(Id().Matches(actual[place])))
                _ids[documented.Value] = found.Value;
        }
        return place == actual.Length ? null : $"more than printed:\n{output}";
    }

    private static bool IsSame(string printed, string actual) => Masked(printed) == Masked(actual);

    private static string Masked(string line) =>
        TraceId().Replace(Secret().Replace(Time().Replace(Id().Replace(line, "<id>"), "<time>"), "<secret>"), "<trace>")
            .TrimEnd();

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")]
    private static partial Regex Id();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?Z?")]
    private static partial Regex Time();

    [GeneratedRegex(@"fa_(bot|ops|admin)_[0-9a-f_.]+|\bsk-\S+")]
    private static partial Regex Secret();

    [GeneratedRegex("(?<=\"trace_id\":\")[^\"]+")]
    private static partial Regex TraceId();
}
