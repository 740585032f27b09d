namespace Factumerit.Ledger.Tests;

/// <summary>The folder of the repository that these tests were built in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Factumerit.Ledger.sln")))
            directory = directory.Parent
                ?? throw new DirectoryNotFoundException($"No solution above {AppContext.BaseDirectory}.");
        return directory.FullName;
    }
}
