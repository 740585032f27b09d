using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>
/// Runs PostgreSQL's programs as a user that PostgreSQL accepts: the current user or, for root, the user `postgres` or
/// `nobody`. Every run has a timeout, gets a minimal environment (no secrets of the service) and returns the program's
/// output.
/// PostgreSQL's programs run in a session of their own, so that a closed terminal or Ctrl-C, which signal the whole
/// process group, reach the service only. The service then stops the programs in order. A server that <c>initdb</c>
/// runs would die of such a signal and leave its shared memory behind.
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

    /// <summary>
    /// Chooses the user, and the command to switch to it that can access the directory with the fewest rights.
    /// </summary>
    public static async Task<EmbeddedPostgresCommands> ChooseAsync(
        string dataDirectory, EmbeddedPostgresBinaries binaries, CancellationToken cancellationToken)
    {
        // A child process is no group leader, so setsid replaces itself by the program, which keeps the process id.
        string[] session =
            (await TryAsync(["setsid", "true"], ShortTimeout, cancellationToken).ConfigureAwait(false)).Succeeded
                ? ["setsid"] : [];
        if (!Environment.IsPrivilegedProcess)
            return new(session, owner: null);

        var (user, group) = await UnprivilegedUserAsync(cancellationToken).ConfigureAwait(false);
        var becomesUser = false;
        foreach (var prefix in WaysToBecome(user, group))
        {
            if (!(await TryAsync([.. prefix, "true"], ShortTimeout, cancellationToken).ConfigureAwait(false)).Succeeded)
                continue;
            becomesUser = true;
            var reaches = await TryAsync(
                [.. prefix, "test", "-e", Path.Combine(dataDirectory, ".")], ShortTimeout, cancellationToken)
                .ConfigureAwait(false);
            if (!reaches.Succeeded)
                continue;
            // PostgreSQL finds its own programs with access(2), where capabilities don't help.
            var runs = await TryAsync([.. prefix, "test", "-x", binaries.Postgres], ShortTimeout, cancellationToken)
                .ConfigureAwait(false);
            if (runs.Succeeded)
                return new([.. session, .. prefix], $"{user}:{group}");
            throw new EmbeddedPostgresException(
                $"The user '{user}', as whom PostgreSQL must run for root, can't reach its programs in "
                + $"'{binaries.Directory}': install PostgreSQL from the system's packages, or put the programs where "
                + "every user may go.");
        }
        throw new EmbeddedPostgresException(becomesUser
            ? $"PostgreSQL must not run as root, and the user '{user}' can't reach '{dataDirectory}': let others pass "
              + "through its parent directories (chmod o+x), run the service as another user, or choose another "
              + "Embedded__DataDirectory."
            : $"PostgreSQL must not run as root, and becoming the user '{user}' failed with setpriv, runuser and su: "
              + "run the service as another user, or use a server through ConnectionStrings__Ledger.");
    }

    /// <summary>Runs a program as the chosen user. A failure throws an exception with the program's output.</summary>
    public async Task RunAsync(TimeSpan timeout, CancellationToken cancellationToken, params string[] command)
    {
        var outcome = await TryRunAsync(timeout, cancellationToken, command).ConfigureAwait(false);
        if (!outcome.Succeeded)
            throw new EmbeddedPostgresException($"{Path.GetFileName(command[0])} failed: {outcome.Message}");
    }

    /// <summary>Runs a program as the chosen user and returns its outcome.</summary>
    public Task<Outcome> TryRunAsync(TimeSpan timeout, CancellationToken cancellationToken, params string[] command) =>
        TryAsync([.. _prefix, .. command], timeout, cancellationToken);

    /// <summary>
    /// Makes the chosen user the owner of the paths, recursively. Does nothing if that is the current user.
    /// </summary>
    public async Task GiveAsync(CancellationToken cancellationToken, params string[] paths)
    {
        if (_owner is null)
            return;
        var outcome = await TryAsync(["chown", "-R", _owner, "--", .. paths], ShortTimeout, cancellationToken)
            .ConfigureAwait(false);
        if (!outcome.Succeeded)
            throw new EmbeddedPostgresException(
                $"The files of PostgreSQL can't be given to '{_owner}': {outcome.Message}");
    }

    /// <summary>
    /// Runs a program as the current user. A missing program, a failure and a timeout are outcomes, not exceptions.
    /// </summary>
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
            var said = string.Join(
                ' ', (await errors.ConfigureAwait(false)).Split('\n', StringSplitOptions.TrimEntries)).Trim();
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
    /// Ends a program, first by signals. An interrupted PostgreSQL program exits together with the server it has
    /// started and with its shared memory. A kill would leave both behind. SIGINT reaches a server that is just being
    /// started. <c>runuser</c> and <c>su</c> forward SIGTERM.
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
                // Still running: try the next signal, then kill it.
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
            // The chosen user may not have access to the current directory.
            WorkingDirectory = "/",
        };
        var kept = EnvironmentKept
            .Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name)))
            .ToList();
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
            "PostgreSQL must not run as root, and there is neither a 'postgres' nor a 'nobody' user: "
            + "run the service as another user.");
    }

    /// <summary>
    /// The commands to switch to the user, fewest rights first. A capability is tried only if the user may not enter a
    /// parent of the directory, such as for a checkout below /root. Only PostgreSQL keeps the capability. The read-only
    /// capability comes before the other one.
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

    /// <summary>How a program ended: its output and, for a failure, its stderr.</summary>
    public sealed record Outcome(bool Succeeded, string Output, string Message);
}
