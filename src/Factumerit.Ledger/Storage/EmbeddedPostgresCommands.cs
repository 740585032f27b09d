using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Runs PostgreSQL's programs as a user that PostgreSQL accepts: oneself, or for root the `postgres` or `nobody` user.
/// Every run is bounded in time, gets a bare environment (no secrets of the service) and reports what the program said.
/// </summary>
internal sealed class EmbeddedPostgresCommands
{
    private const int Interrupt = 2;
    private const int Terminate = 15;
    private static readonly TimeSpan ShortTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(4);
    private static readonly string[] EnvironmentKept = ["PATH", "LD_LIBRARY_PATH", "TZ"];
    private readonly string[] _prefix;
    private readonly string? _owner;

    private EmbeddedPostgresCommands(string[] prefix, string? owner)
    {
        _prefix = prefix;
        _owner = owner;
    }

    /// <summary>Picks the user, and the way to become it that reaches the directory with the fewest rights.</summary>
    public static async Task<EmbeddedPostgresCommands> ChooseAsync(
        string dataDirectory, EmbeddedPostgresBinaries binaries, CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
            return new([], owner: null);

        var (user, group) = await UnprivilegedUserAsync(cancellationToken).ConfigureAwait(false);
        var becomesUser = false;
        foreach (var prefix in WaysToBecome(user, group))
        {
            if (!(await TryAsync([.. prefix, "true"], ShortTimeout, cancellationToken).ConfigureAwait(false)).Succeeded)
                continue;
            becomesUser = true;
            var reaches = await TryAsync([.. prefix, "test", "-e", Path.Combine(dataDirectory, ".")], ShortTimeout, cancellationToken)
                .ConfigureAwait(false);
            if (!reaches.Succeeded)
                continue;
            // PostgreSQL looks for its own programs by access(2), which no capability helps.
            var runs = await TryAsync([.. prefix, "test", "-x", binaries.Postgres], ShortTimeout, cancellationToken).ConfigureAwait(false);
            return runs.Succeeded ? new(prefix, $"{user}:{group}") : throw new EmbeddedPostgresException(
                $"The user '{user}', as whom PostgreSQL must run for root, can't reach its programs in '{binaries.Directory}': " +
                "install PostgreSQL from the system's packages, or put the programs where every user may go.");
        }
        throw new EmbeddedPostgresException(becomesUser
            ? $"PostgreSQL must not run as root, and the user '{user}' can't reach '{dataDirectory}': let others pass through its " +
              "parent directories (chmod o+x), run the service as another user, or choose another Embedded__DataDirectory."
            : $"PostgreSQL must not run as root, and becoming the user '{user}' failed with setpriv, runuser and su: " +
              "run the service as another user, or use a server through ConnectionStrings__Ledger.");
    }

    /// <summary>Runs as the chosen user; a failure is an exception with the program's own words.</summary>
    public async Task RunAsync(TimeSpan timeout, CancellationToken cancellationToken, params string[] command)
    {
        var outcome = await TryRunAsync(timeout, cancellationToken, command).ConfigureAwait(false);
        if (!outcome.Succeeded)
            throw new EmbeddedPostgresException($"{Path.GetFileName(command[0])} failed: {outcome.Message}");
    }

    /// <summary>Runs as the chosen user and tells how it went.</summary>
    public Task<Outcome> TryRunAsync(TimeSpan timeout, CancellationToken cancellationToken, params string[] command) =>
        TryAsync([.. _prefix, .. command], timeout, cancellationToken);

    /// <summary>Gives the files to the chosen user, with all below them; nothing to do when that's oneself.</summary>
    public async Task GiveAsync(CancellationToken cancellationToken, params string[] paths)
    {
        if (_owner is null)
            return;
        var outcome = await TryAsync(["chown", "-R", _owner, "--", .. paths], ShortTimeout, cancellationToken).ConfigureAwait(false);
        if (!outcome.Succeeded)
            throw new EmbeddedPostgresException($"The files of PostgreSQL can't be given to '{_owner}': {outcome.Message}");
    }

    /// <summary>Runs a program as oneself; a missing program, a failure and a timeout are outcomes, not exceptions.</summary>
    public static async Task<Outcome> TryAsync(string[] command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var program = new Process { StartInfo = StartInfo(command) };
        try
        {
            program.Start();
        }
        catch (Win32Exception failure)
        {
            return new(Succeeded: false, "", failure.Message);
        }
        program.StandardInput.Close();
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bounded.CancelAfter(timeout);
        try
        {
            var output = program.StandardOutput.ReadToEndAsync(bounded.Token);
            var errors = program.StandardError.ReadToEndAsync(bounded.Token);
            await Task.WhenAll(output, errors, program.WaitForExitAsync(bounded.Token)).ConfigureAwait(false);
            var said = string.Join(' ', (await errors.ConfigureAwait(false)).Split('\n', StringSplitOptions.TrimEntries)).Trim();
            var message = said.Length > 0 ? said : $"exit code {program.ExitCode}";
            return new(program.ExitCode == 0, await output.ConfigureAwait(false), message);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(program).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            return new(Succeeded: false, "", $"not finished within {timeout.TotalSeconds:0} s");
        }
    }

    /// <summary>
    /// PostgreSQL's programs end by themselves when they are interrupted, together with the server that they have
    /// started and its shared memory, which a kill would leave behind. SIGINT reaches a server that is just being
    /// started, SIGTERM passes through <c>runuser</c> and <c>su</c>.
    /// </summary>
    private static async Task EndAsync(Process program)
    {
        foreach (var signal in (int[])[Interrupt, Terminate])
        {
            if (program.HasExited)
                return;
            _ = kill(program.Id, signal);
            using var patience = new CancellationTokenSource(EndTimeout);
            try
            {
                await program.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Then by stronger means.
            }
        }
        program.Kill(entireProcessTree: true);
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int processId, int signal);

    private static ProcessStartInfo StartInfo(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // The caller's directory may be one that the chosen user can't enter.
            WorkingDirectory = "/",
        };
        var kept = EnvironmentKept.Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name))).ToList();
        start.Environment.Clear();
        foreach (var (name, value) in kept.Where(variable => variable.Value is not null))
            start.Environment[name] = value;
        start.Environment["LC_ALL"] = "C";
        return start;
    }

    private static async Task<(string User, string Group)> UnprivilegedUserAsync(CancellationToken cancellationToken)
    {
        foreach (var user in (string[])["postgres", "nobody"])
        {
            var group = await TryAsync(["id", "-g", user], ShortTimeout, cancellationToken).ConfigureAwait(false);
            if (group.Succeeded)
                return (user, group.Output.Trim());
        }
        throw new EmbeddedPostgresException(
            "PostgreSQL must not run as root, and there is neither a 'postgres' nor a 'nobody' user: run the service as another user.");
    }

    /// <summary>
    /// Fewest rights first. A capability is only tried for a directory under one that the user may not enter, such as a checkout below
    /// /root: it is kept for PostgreSQL alone, and of the two the one that can only read comes first.
    /// </summary>
    private static IEnumerable<string[]> WaysToBecome(string user, string group)
    {
        string[] setpriv = ["setpriv", $"--reuid={user}", $"--regid={group}", "--init-groups", "--no-new-privs"];
        yield return setpriv;
        yield return ["runuser", "-u", user, "--"];
        yield return ["su", "-s", "/bin/sh", user, "-c", "exec \"$@\"", "--", "sh"];
        yield return [.. setpriv, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
        yield return [.. setpriv, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
    }

    /// <summary>How a program ended: its output, and for a failure what it said on stderr.</summary>
    public sealed record Outcome(bool Succeeded, string Output, string Message);
}
