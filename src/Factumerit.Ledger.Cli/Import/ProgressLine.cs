using System.Globalization;
using Factumerit.Ledger.Cli.Display;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// One line on the terminal with the progress of a long import. Writes nothing if stderr is not a terminal or if
/// programs read the output.
/// </summary>
internal sealed class ProgressLine(FaEnvironment environment, bool isSilent)
{
    private const int BarWidth = 30;

    private int _shownLength;

    /// <summary>Draws the bar over the previous one.</summary>
    public void Show(double share, long rows)
    {
        if (isSilent || !environment.StderrIsTerminal)
            return;
        var filled = (int)(share * BarWidth);
        var line = $"[{new string('#', filled)}{new string('.', BarWidth - filled)}] " +
            $"{share.ToString("0%", CultureInfo.InvariantCulture),4}  " +
            $"{MoneyFormat.Count(rows)} {(rows == 1 ? "row" : "rows")}";
        environment.Stderr.Write($"\r{line.PadRight(_shownLength)}");
        environment.Stderr.Flush();
        _shownLength = line.Length;
    }

    /// <summary>Erases the bar to make room for other output.</summary>
    public void Clear()
    {
        if (_shownLength == 0)
            return;
        environment.Stderr.Write($"\r{new string(' ', _shownLength)}\r");
        _shownLength = 0;
    }
}
