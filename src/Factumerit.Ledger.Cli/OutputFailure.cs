namespace Factumerit.Ledger.Cli;

/// <summary>Failures to write standard output: a full disk or a closed stream.</summary>
internal static class OutputFailure
{
    /// <summary>
    /// True for I/O failures. Those of files and connections already have their own messages, so the others come from
    /// the console.
    /// </summary>
    public static bool Is(Exception failure) => failure is IOException or UnauthorizedAccessException;

    /// <summary>The failure in one line.</summary>
    /// <param name="failure">The console's exception.</param>
    /// <param name="hasChanged">Whether the service did what was asked: running again would do it twice.</param>
    public static FaException Of(Exception failure, bool hasChanged)
    {
        var exception = new FaException($"Can't write the output: {(failure.InnerException ?? failure).Message}.");
        return hasChanged ? exception.WithAdvice("The service has carried out the request.") : exception;
    }
}
