namespace Factumerit.Ledger.Cli;

/// <summary>Standard output that can't be written: a full disk, or a stream that is closed.</summary>
internal static class OutputFailure
{
    /// <summary>Files and connections have their own messages, so that what is left comes from the console.</summary>
    public static bool Is(Exception failure) => failure is IOException or UnauthorizedAccessException;

    /// <summary>The failure in one line.</summary>
    /// <param name="failure">What the console said.</param>
    /// <param name="hasChanged">Whether the service did what it was asked to: running again would do it twice.</param>
    public static FaException Of(Exception failure, bool hasChanged)
    {
        var exception = new FaException($"The output can't be written: {(failure.InnerException ?? failure).Message}.");
        return hasChanged ? exception.WithAdvice("The service has done what was asked.") : exception;
    }
}
