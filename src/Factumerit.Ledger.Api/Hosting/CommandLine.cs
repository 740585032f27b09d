namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Checks the form of the command line: a verb, then settings with their values. The framework would ignore anything
/// else, so that a misspelt word would start the service.
/// </summary>
internal static class CommandLine
{
    public const string Help = """
        Usage: dotnet Factumerit.Ledger.Api.dll [migrate] [--SECTION:KEY=VALUE ...]
               dotnet Factumerit.Ledger.Api.dll healthcheck [URL]

        Serves the ledger on http://localhost:5000, with its own PostgreSQL unless another one is configured.

          migrate                updates the schema and exits
          healthcheck [URL]      checks a running service and exits
          --SECTION:KEY=VALUE    a setting, such as --Writer:BatchLimit=500; in the environment it is Writer__BatchLimit
          --ConnectionStrings:Ledger=STRING
                                 the PostgreSQL to use; without it the service runs its own in ./.factumerit
          --PathBase=PATH, --urls=ADDRESS, --environment=NAME
          --help                 this text

        Sections: ConnectionStrings, Embedded, Database, Writer, Auth, RateLimits, Integrity, Pricing, LiteLlm,
        ForwardedHeaders, Kestrel:Limits, Serilog. docs/operating.md lists their keys.

        """;

    private const string WhatThereIs =
        "The verbs are migrate and healthcheck [URL]; settings are --SECTION:KEY=VALUE; --help explains them.";

    public static bool AsksForHelp(string[] args) => args.Any(argument => argument is "--help" or "-h" or "-?");

    /// <summary>Returns what is wrong with the command line, and the valid words; null if it is correct.</summary>
    public static string? FindFault(string[] args) => args switch
    {
        ["healthcheck"] or ["healthcheck", _] => null,
        ["healthcheck", _, var more, ..] => $"healthcheck takes one address; '{more}' is one too many. {WhatThereIs}",
        ["migrate", .. var settings] => FindNoSetting(settings),
        [var word, ..] when !IsName(word) && !word.StartsWith('-') && !word.Contains('=') =>
            $"'{word}' is not a verb. {WhatThereIs}",
        _ => FindNoSetting(args),
    };

    // A value follows a '=', or is the next argument.
    private static string? FindNoSetting(string[] settings)
    {
        for (var index = 0; index < settings.Length; index++)
        {
            var argument = settings[index];
            if (argument.Contains('=') && (IsName(argument) || argument[0] != '-'))
                continue;
            if (!IsName(argument))
                return $"'{argument}' is not a setting. {WhatThereIs}";
            index++;
            if (index == settings.Length || settings[index].StartsWith("--", StringComparison.Ordinal))
                return $"'{argument}' is a setting without a value. {WhatThereIs}";
        }
        return null;
    }

    private static bool IsName(string argument) =>
        argument.StartsWith("--", StringComparison.Ordinal) || argument.StartsWith('/');
}
