using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Factumerit.Ledger.Tests.Documentation;

/// <summary>
/// <c>scripts/run --demo</c> and <c>scripts/fa</c> in a folder of their own, where everything is built and the program
/// <c>dotnet</c> only writes down how it was called.
/// </summary>
public sealed class ScriptsTests : IDisposable
{
    private const string Api = "src/Factumerit.Ledger.Api";
    private const string Cli = "src/Factumerit.Ledger.Cli";

    private readonly string _root = Directory.CreateTempSubdirectory("factumerit-scripts-").FullName;

    public ScriptsTests()
    {
        foreach (var script in (string[])["fa", "run", "setup.sh", "demo"])
            CopyScript(script);
        foreach (var name in (string[])["Directory.Build.props", "Directory.Packages.props", "global.json"])
            Write(name, "");
        foreach (var project in (string[])[Api, Cli])
        {
            Write($"{project}/Program.cs", "");
            Write($"{project}/bin/Release/net10.0/x.runtimeconfig.json", "");
        }
        foreach (var project in (string[])[Api, Cli])
        {
            var stamp = $"{project}/obj/built-by-scripts";
            Write(stamp, "");
            File.SetLastWriteTimeUtc(Path.Combine(_root, stamp), DateTime.UtcNow.AddSeconds(1));
        }
        FakeDotnet("");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task The_demo_is_not_loaded_where_something_answers_already()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://{other.LocalEndpoint}";

        var (exitCode, output) = await RunAsync("run", ["--demo"], ("ASPNETCORE_URLS", url));

        exitCode.ShouldBe(1);
        output.ShouldBe($"Something answers at {url} already, and --demo loads only into a service that it starts: "
            + "stop that one, or choose another address with ASPNETCORE_URLS.\n");
        Calls().ShouldNotContain("Api.dll");
    }

    [Fact]
    public async Task The_demo_is_not_loaded_into_another_service_after_its_own_has_ended()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var address = (IPEndPoint)free.LocalEndpoint;
        free.Stop();
        using var other = new TcpListener(address);
        var url = $"http://{address}";
        // The service ends when the other one is asked whether it is ready.
        FakeDotnet("""case "$*" in *Api.dll*) : >started; until [ -e asked ]; do sleep 0.05; done; : >ended; esac""");

        var run = RunAsync("run", ["--demo"], ("ASPNETCORE_URLS", url));
        await UntilAsync("started");
        other.Start();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using (var asking = await other.AcceptTcpClientAsync(patience.Token))
        {
            Write("asked", "");
            await UntilAsync("ended");
            await Task.Delay(TimeSpan.FromMilliseconds(500));
            await asking.GetStream().WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n\r\n"));
        }
        var (exitCode, output) = await run;

        exitCode.ShouldBe(1);
        output.ShouldBe("The service did not start.\n");
        Calls().ShouldNotContain("fa.dll");
    }

    [Fact]
    public async Task The_command_line_is_built_again_only_when_a_source_has_changed()
    {
        (await RunAsync("fa", ["ledger"])).Output.ShouldBe("");
        Calls().ShouldBe($"{Cli}/bin/Release/net10.0/fa.dll ledger\n");

        File.SetLastWriteTimeUtc(Path.Combine(_root, Api, "Program.cs"), DateTime.UtcNow.AddSeconds(5));
        (await RunAsync("fa", ["ledger"])).Output.ShouldBe($"Building {Cli} ...\n");
        Calls().ShouldContain($"build {Cli} -c Release");
        Calls().ShouldEndWith($"{Cli}/bin/Release/net10.0/fa.dll ledger\n");
    }

    [Fact]
    public async Task Without_dotnet_the_command_line_says_what_to_install()
    {
        // All that the script needs, but no dotnet, and no apt-get to install it.
        File.Delete(Path.Combine(_root, "tools", "dotnet"));
        foreach (var tool in (string[])["bash", "dirname", "find", "grep", "id", "readlink", "sed"])
            File.CreateSymbolicLink(Path.Combine(_root, "tools", tool), Find(tool));

        var (exitCode, output) = await RunAsync("fa", ["ledger"], ("PATH", Path.Combine(_root, "tools")));

        exitCode.ShouldBe(1);
        output.ShouldStartWith("The .NET SDK 10 is missing: install it");
        output.Split('\n').Length.ShouldBe(2);
    }

    private string Calls() => File.ReadAllText(Path.Combine(_root, "calls"))
        .Replace(_root + "/", "", StringComparison.Ordinal).Replace("--list-sdks\n", "", StringComparison.Ordinal);

    private async Task UntilAsync(string file)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!File.Exists(Path.Combine(_root, file)))
            await Task.Delay(TimeSpan.FromMilliseconds(10), deadline.Token);
    }

    private void FakeDotnet(string then)
    {
        Write("tools/dotnet", $"""
            #!/usr/bin/env bash
            cd {_root}
            echo "$*" >>calls
            [ "$1" != --list-sdks ] || echo '10.0.100 [/fake]'
            {then}

            """);
        File.SetUnixFileMode(
            Path.Combine(_root, "tools/dotnet"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private void CopyScript(string name)
    {
        Directory.CreateDirectory(Path.Combine(_root, "scripts"));
        File.Copy(Path.Combine(Repository.Root, "scripts", name), Path.Combine(_root, "scripts", name));
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private static string Find(string tool) => Environment.GetEnvironmentVariable("PATH")!.Split(':')
        .Select(directory => Path.Combine(directory, tool)).First(File.Exists);

    private async Task<(int ExitCode, string Output)> RunAsync(
        string script, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Find("bash"), [Path.Combine(_root, "scripts", script), .. arguments])
        {
            RedirectStandardError = true,
            WorkingDirectory = _root,
        };
        start.Environment["PATH"] = $"{_root}/tools:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["ConnectionStrings__Ledger"] = "Host=nowhere";
        start.Environment["Auth__BootstrapAdminKey"] = "not a key";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
