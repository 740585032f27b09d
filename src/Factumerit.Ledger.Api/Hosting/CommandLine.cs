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

        Serves the ledger on http://localhost:5000, with its own PostgreSQL unless it is given another one.

          migrate                brings the schema up to date and ends
          healthcheck [URL]      asks a running service, and ends
          --SECTION:KEY=VALUE    a setting, such as --Writer:BatchLimit=500; in the environment it is Writer__BatchLimit
          --ConnectionStrings:Ledger=STRING
                                 the PostgreSQL to use; without it the service runs its own in ./.factumerit
          --PathBase=PATH, --urls=ADDRESS, --environment=NAME
          --help                 this text

        Sections: ConnectionStrings, Embedded, Database, Writer, Auth, RateLimits, Integrity, Pricing, LiteLlm,
        ForwardedHeaders, Kestrel:Limits, Serilog. docs/operating.md lists their keys.

        """;

    private const string WhatThereIs =
        "There are the verbs migrate and healthcheck [URL], settings --SECTION:KEY=VALUE, and --help, which says more.";

    public static bool AsksForHelp(string[] args) => args.Any(argument => argument is "--help" or "-h" or "-?");

    /// <summary>Returns what is wrong with the command line, and the valid words; null if it is correct.</summary>
    public static string? FindFault(string[] args) => args switch
    {
        ["healthcheck"] or ["healthcheck", _] => null,
        ["healthcheck", _, var more, ..] => $"healthcheck takes one address, and no '{more}'. {WhatThereIs}",
        ["migrate", .. var settings] => FindNoSetting(settings),
        [var word, ..] when !IsName(word) && !word.StartsWith('-') && !word.Contains('=') =>
            $"there is no verb '{word}'. {WhatThereIs}",
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
                return $"'{argument}' is not a setting with a value. {WhatThereIs}";
        }
        return null;
    }

    private static bool IsName(string argument) =>
        argument.StartsWith("--", StringComparison.Ordinal) || argument.StartsWith('/');
}
