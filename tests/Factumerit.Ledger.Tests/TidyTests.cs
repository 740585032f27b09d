using System.Text.RegularExpressions;
using Factumerit.Ledger.Api.Http;

namespace Factumerit.Ledger.Tests;

/// <summary>
/// Keeps the source readable and its promises visible: sizes, clocks, exact numbers, and a test for every rule and
/// problem.
/// </summary>
public sealed partial class TidyTests
{
    private const int FileLinesMax = 400;
    private const int MethodLinesMax = 60;
    private const int LineLengthMax = 120;
    private static readonly string Root = Repository.Root;

    public static TheoryData<string> Rules => [.. Enumerable.Range(1, 24).Select(n => $"R{n}")];

    public static TheoryData<string> Problems => [.. ProblemCatalog.All.Select(k => k.Code)];

    [Fact]
    public void No_source_file_is_over_400_lines() =>
        Sources("src").Concat(Sources("tests")).Where(file => File.ReadAllLines(file).Length > FileLinesMax)
            .ShouldBeEmpty();

    [Fact]
    public void No_line_of_the_sources_is_over_120_characters() =>
        Sources("src").Concat(Sources("tests")).SelectMany(file => File.ReadLines(file)
            .Where(line => line.Length > LineLengthMax)
            .Select(line => $"{Path.GetRelativePath(Root, file)}: {line.Trim()}"))
            .ShouldBeEmpty();

    [Fact]
    public void No_method_is_over_60_lines() => Sources("src").SelectMany(LongMethods).ShouldBeEmpty();

    [Fact]
    public void Time_comes_from_a_clock_that_can_be_replaced() =>
        Matches(Sources("src"), SystemClock()).ShouldBeEmpty();

    [Fact]
    public void No_amount_is_a_binary_fraction() =>
        Matches(Sources("src/Factumerit.Ledger"), BinaryFraction()).ShouldBeEmpty();

    [Fact]
    public void Nothing_is_left_to_do_in_a_comment() =>
        Matches(Sources("src").Concat(Sources("tests")), LeftToDo()).ShouldBeEmpty();

    [Fact]
    public void No_query_is_cancelled_by_its_caller() =>
        Matches(Sources("src/Factumerit.Ledger.Api"), QueryToBeCancelled()).ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(Rules))]
    public void Every_rule_is_cited_by_a_test(string rule) =>
        CitingTests($"(?<![A-Za-z0-9]){rule}(?![0-9])").ShouldNotBeEmpty();

    [Theory]
    [MemberData(nameof(Problems))]
    public void Every_problem_is_cited_by_a_test(string code) => CitingTests($"\"{code}\"").ShouldNotBeEmpty();

    [Theory]
    [MemberData(nameof(Problems))]
    public void Every_problem_is_explained_in_the_documentation(string code) =>
        File.ReadAllText(Path.Combine(Root, "docs", "errors.md")).ShouldContain($"`{code}`");

    [Fact]
    public void A_method_that_is_too_long_would_be_found()
    {
        var file = Path.GetTempFileName();
        File.WriteAllLines(file, [
            "public class C", "{", "    public void M()", "    {",
            .. Enumerable.Repeat("        M();", MethodLinesMax), "    }", "}"]);
        LongMethods(file).ShouldHaveSingleItem().ShouldContain("public void M()");
        File.Delete(file);
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file =>
                !Path.GetRelativePath(Root, file).Split('/').Any(part => part is "obj" or "bin" or "Migrations"))
            .Where(file => Path.GetFileName(file) != $"{nameof(TidyTests)}.cs");

    private static IEnumerable<string> CitingTests(string pattern) =>
        Sources("tests").Where(file => Regex.IsMatch(File.ReadAllText(file), pattern));

    private static IEnumerable<string> Matches(IEnumerable<string> files, Regex pattern) =>
        files.SelectMany(file => File.ReadLines(file).Where(line => pattern.IsMatch(line))
            .Select(line => $"{Path.GetRelativePath(Root, file)}: {line.Trim()}"));

    // The formatter puts a member's braces alone on lines of the same indentation. A keyword before the brace marks a
    // type.
    private static IEnumerable<string> LongMethods(string file)
    {
        var lines = File.ReadAllLines(file);
        for (var start = 1; start < lines.Length; start++)
        {
            if (lines[start].TrimEnd() is not ("    {" or "        {") || TypeDeclaration().IsMatch(lines[start - 1])
                || lines[start - 1].EndsWith("=>", StringComparison.Ordinal))
                continue;
            var closing = lines[start].TrimEnd().Replace('{', '}');
            var end = Array.FindIndex(lines, start, line => line.StartsWith(closing, StringComparison.Ordinal));
            if (end - start + 2 > MethodLinesMax)
                yield return $"{Path.GetFileName(file)}: {lines[start - 1].Trim()} has {end - start + 2} lines";
        }
    }

    [GeneratedRegex(@"\bDateTime(Offset)?\.(Utc)?Now\b")]
    private static partial Regex SystemClock();

    // Measurements of time are no amounts.
    [GeneratedRegex(@"^(?!\s*//)(?!.*Histogram<double>).*\b(double|float)\b")]
    private static partial Regex BinaryFraction();

    // These may be cancelled: a command before the writer has it, the body, a pause, a turn, and calls of another
    // service.
    [GeneratedRegex(@"^(?!\s*//)(?!.*(budgets\.|BodyReader|Task\.Delay|AcquireAsync|TakeTurnAsync"
        + @"|LargeReads|maker\.|reconciler\.)).*\bRequestAborted\b")]
    private static partial Regex QueryToBeCancelled();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex LeftToDo();

    [GeneratedRegex(@"\b(class|record|struct|interface|enum|namespace|new)\b")]
    private static partial Regex TypeDeclaration();
}
