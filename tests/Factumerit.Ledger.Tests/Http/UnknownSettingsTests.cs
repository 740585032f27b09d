using System.Text.RegularExpressions;
using Factumerit.Ledger.Api;
using Factumerit.Ledger.Api.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Misspelt settings are reported with the nearest known one. Settings of others are left alone.</summary>
public sealed partial class UnknownSettingsTests
{
    private static readonly IReadOnlyList<SettingsSection> Sections = ReadSections();

    [Theory]
    [InlineData("Writer:QueueLimt", "Writer:QueueLimit")]
    [InlineData("Writers:BatchLimit", "Writer:BatchLimit")]
    [InlineData("Pricing:Overrides:0:Provder", "Pricing:Overrides:N:Provider")]
    [InlineData("ForwardedHeaders:KnownProxies", "ForwardedHeaders:KnownProxies:N")]
    [InlineData("ConnectionStrings:Ledgr", "ConnectionStrings:Ledger")]
    [InlineData("PathBse", "PathBase")]
    [InlineData("Database:Writer:BatchLimit", "Writer:BatchLimit")]
    public void A_misspelt_key_of_the_command_line_or_a_file_is_reported(string key, string nearest)
    {
        Find(new ConfigurationBuilder().AddCommandLine([$"--{key}=x"])).ShouldBe([new(key, nearest)]);
        using var scratch = new Cli.ScratchDirectory();
        var file = scratch.Write(
            "settings.json", $$"""{ "{{key}}": "x", "RateLimits": {}, "ForwardedHeaders": { "KnownNetworks": [] } }""");
        Find(new ConfigurationBuilder().AddJsonFile(file)).ShouldBe([new(key, nearest)]);
    }

    [Theory]
    [InlineData("foo")]
    [InlineData("nonsense")]
    [InlineData("Somebody:Else")]
    [InlineData("Writer:Colour")]
    public void A_key_that_is_like_no_other_is_reported_alone(string key) =>
        Find(new ConfigurationBuilder().AddCommandLine([$"--{key}=x"])).ShouldBe([new(key, null)]);

    [Fact]
    public void Help_names_the_sections() =>
        Sections.ShouldAllBe(section => CommandLine.Help.Contains($"{section.Name},", StringComparison.Ordinal));

    [Fact]
    public void Known_keys_and_those_of_the_framework_are_left_alone() =>
        Find(new ConfigurationBuilder().AddCommandLine(
    [
        "--writer:queuelimit=1", "--Pricing:Overrides:12:Model=m", "--ForwardedHeaders:KnownProxies:0=::1",
        "--urls=http://localhost", "--environment=x",
        "--Serilog:MinimumLevel:Override:Npgsql=Debug", "--Kestrel:Endpoints:One:Url=x",
        "--Logging:LogLevel:Default=Debug", "--AllowedHosts=x",
        "--PathBase=/x", "--ConnectionStrings:Ledger=x", "--hostBuilder:reloadConfigOnChange=false",
        "--OTEL_EXPORTER_OTLP_ENDPOINT=x",
    ])).ShouldBeEmpty();

    [Fact]
    public async Task The_start_warns_of_variables_that_are_nearly_its_own()
    {
        await using var process = ServiceProcess.Start(
            new Dictionary<string, string>
            {
                ["Writer__QueueLimt"] = "5",
                ["WRITER_BATCH_LIMIT"] = "5",
                ["Databse__PoolSize"] = "5",
                ["Writer__Colour"] = "5",
                ["RateLimits__Burst"] = "5",
                ["RATE_LIMITS_BURST"] = "5",
                ["SOMETHING_ELSE"] = "5",
                ["Somebody__Else"] = "5",
                ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "false",
            },
            "--Embedded:DataDirectory=/proc/nowhere");
        (await process.EndAsync()).ShouldBe(1);

        process.Stdout.Split('\n').Where(line => line.Contains("is unknown and ignored", StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf("WRN", StringComparison.Ordinal) + 4)..]).ShouldBe(
            [
                "The setting Writer__QueueLimt is unknown and ignored; did you mean Writer__QueueLimit?",
                "The setting WRITER_BATCH_LIMIT is unknown and ignored; did you mean Writer__BatchLimit?",
                "The setting Databse__PoolSize is unknown and ignored; did you mean Database__PoolSize?",
                "The setting Writer__Colour is unknown and ignored",
            ], ignoreOrder: true);
    }

    [Fact]
    public void Every_known_key_is_documented_and_every_documented_one_is_known()
    {
        var known = new UnknownSettings(new ConfigurationBuilder().Build(), Sections).Known.ToHashSet();
        var documented = File.ReadLines(Path.Combine(Repository.Root, "docs", "operating.md"))
            .SkipWhile(line => !line.StartsWith("| key | default |", StringComparison.Ordinal))
            .Skip(2).TakeWhile(line => line.StartsWith('|'))
            .SelectMany(line => Key().Matches(line.Split('|')[1]).Select(match => match.Groups[1].Value))
            .Select(key => key.StartsWith(':') ? $"Pricing:Overrides:N{key}" : key).ToList();

        known.Except(documented).ShouldBeEmpty("keys that docs/operating.md does not list");
        documented.Except(known).Where(key => !key.StartsWith("Serilog:", StringComparison.Ordinal)
            && !key.StartsWith("Kestrel:", StringComparison.Ordinal))
            .ShouldBe(["OTEL_EXPORTER_OTLP_ENDPOINT", "ASPNETCORE_URLS"], "keys that nothing reads");
    }

    private static IReadOnlyList<UnknownSetting> Find(IConfigurationBuilder builder) =>
        new UnknownSettings(builder.Build(), Sections).Find();

    private static IReadOnlyList<SettingsSection> ReadSections()
    {
        using var app = Service.Build([]);
        return [.. app.Services.GetServices<SettingsSection>()];
    }

    [GeneratedRegex("`([A-Za-z_:]+)`")]
    private static partial Regex Key();
}
