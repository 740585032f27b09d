namespace Factumerit.Ledger.Tests.Cli;

public sealed class WrongUsageTests
{
    [Theory]
    [InlineData("user show", "Required argument 'USER' missing for command: 'show'.\nTry 'fa user show --help'.\n")]
    [InlineData(
        "user show ..", "USER: '..' is not a user id such as vikunja:alice.\nTry 'fa user show --help'.\n")]
    [InlineData(
        "usage import", "Required argument 'FILE' missing for command: 'import'.\nTry 'fa usage import --help'.\n")]
    [InlineData("grant alice", "Option '--amount-cents' is required.\nTry 'fa grant --help'.\n")]
    [InlineData(
        "grant alice --amount-cents 1,50",
        "--amount-cents: '1,50' is not a number of cents such as 500 or 0.0165.\nTry 'fa grant --help'.\n")]
    [InlineData("write-down",
        "Pass exactly one of --amount-cents, --actual-balance-cents and --from-usage.\n"
            + "Try 'fa write-down --help'.\n")]
    [InlineData(
        "write-down --amount-cents 1 --actual-balance-cents 1",
        "Pass exactly one of --amount-cents, --actual-balance-cents and --from-usage.\n"
            + "Try 'fa write-down --help'.\n")]
    [InlineData(
        "write-down --actual-balance-cents 1 --from-usage",
        "Pass exactly one of --amount-cents, --actual-balance-cents and --from-usage.\n"
            + "Try 'fa write-down --help'.\n")]
    [InlineData(
        "report margin --group-by week",
        "--group-by: 'week' is not one of user, model, provider, day.\nTry 'fa report margin --help'.\n")]
    [InlineData(
        "ledger headroom --url localhost",
        "--url: 'localhost' is not an http or https URL such as http://localhost:5080.\n"
            + "Try 'fa ledger headroom --help'.\n")]
    [InlineData(
        "usage import f.csv --batch-size 1001",
        "--batch-size: '1001' is not a whole number between 1 and 1000.\nTry 'fa usage import --help'.\n")]
    [InlineData(
        "usage import f.csv --user alice",
        "--user needs --format: without it, each row of the file names its user.\n"
            + "Try 'fa usage import --help'.\n")]
    [InlineData(
        "usage import f.csv --format litellm",
        "--format: 'litellm' is not one of openrouter, openai, anthropic.\nTry 'fa usage import --help'.\n")]
    [InlineData(
        "ledger user alice --limit x",
        "--limit: 'x' is not a whole number between 1 and 100000.\nTry 'fa ledger user --help'.\n")]
    [InlineData(
        "usage record alice --amount-cents 1 --prompt-tokens 1.5",
        "--prompt-tokens: '1.5' is not a whole number.\nTry 'fa usage record --help'.\n")]
    [InlineData(
        "ledger balances --type liability",
        "--type: 'liability' is not one of user, asset, expense, equity.\nTry 'fa ledger balances --help'.\n")]
    [InlineData(
        "api-key create --name n --role root",
        "--role: 'root' is not one of bot, ops, admin.\nTry 'fa api-key create --help'.\n")]
    [InlineData(
        "user delete --force --yes",
        "Unrecognized option '--force'. If it is an argument, put -- before it.\nTry 'fa user delete --help'.\n")]
    [InlineData(
        "api-key revoke bot",
        "ID: 'bot' is not a key id from 'fa api-key list'.\nTry 'fa api-key revoke --help'.\n")]
    [InlineData(
        "api-key rotate 7", "ID: '7' is not a key id from 'fa api-key list'.\nTry 'fa api-key rotate --help'.\n")]
    [InlineData(
        "virtual-key revoke 7",
        "ID: '7' is not a key id from 'fa virtual-key list'.\nTry 'fa virtual-key revoke --help'.\n")]
    [InlineData(
        "review waive 7 --reason x",
        "USAGE: '7' is not a usage id from 'fa review list'.\nTry 'fa review waive --help'.\n")]
    [InlineData("user show alice bob", "Unrecognized command or argument 'bob'.\nTry 'fa user show --help'.\n")]
    [InlineData("frobnicate",
        "Required command was not provided.\nUnrecognized command or argument 'frobnicate'.\nTry 'fa --help'.\n")]
    public async Task Wrong_usage_is_told_with_a_hint_and_exits_with_2(string line, string stderr)
    {
        var run = await FaRun.OfAsync(FaRun.Alone(), line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        run.ShouldBe(new FaRun(2, "", stderr));
    }

    [Theory]
    [InlineData("grnat alice --amount-cents 5", "grant")]
    [InlineData("users list", "user")]
    [InlineData("ledger headrom", "headroom")]
    [InlineData("price list", "prices")]
    [InlineData("user delete --yess", "--yes")]
    [InlineData("user show alice --jsn", "--json")]
    [InlineData("grant alice --amount-cents 5 --raeson x", "--reason")]
    [InlineData("grant alice --amount-cents 5 bob --reson=x", "--reason")]
    [InlineData("grant alice --amount 5", "--amount-cents")]
    [InlineData("ledger integrity --ful", "--full")]
    [InlineData("frobnicate", null)]
    [InlineData("grant alice --amount-cents 5 bob", null)]
    [InlineData("grant alice --amount-cents 5 -x", null)]
    public async Task A_misspelt_command_or_option_is_told_with_what_it_may_mean(string line, string? name)
    {
        var run = await FaRun.OfAsync(FaRun.Alone(), line.Split(' '));

        run.ExitCode.ShouldBe(2);
        run.Stderr.Split('\n').Where(told => told.StartsWith("Did you mean ", StringComparison.Ordinal))
            .ShouldBe(name is null ? [] : [$"Did you mean '{name}'?"]);
    }

    [Theory]
    [InlineData("--json ledger", "Required command was not provided. Try 'fa ledger --help'.")]
    [InlineData(
        "user show --json ..", "USER: '..' is not a user id such as vikunja:alice. Try 'fa user show --help'.")]
    [InlineData("user delete --json --force",
        "Unrecognized option '--force'. If it is an argument, put -- before it. Try 'fa user delete --help'.")]
    [InlineData("user delete --json --yess",
        "Unrecognized option '--yess'. If it is an argument, put -- before it. Did you mean '--yes'? "
            + "Try 'fa user delete --help'.")]
    [InlineData(
        "user delete alice --json", "This can't be undone. Without a terminal to ask on, confirm it with --yes.")]
    public async Task Wrong_usage_for_programs_is_an_object(string line, string detail)
    {
        var run = await FaRun.OfAsync(FaRun.Alone(), line.Split(' '));

        run.ShouldBe(new FaRun(2, "", $$"""{"code":"wrong-usage","detail":"{{detail}}"}""" + "\n"));
    }

    [Theory]
    [InlineData("", "  write-down ")]
    [InlineData("ledger", "  integrity ")]
    public async Task A_group_without_a_command_tells_its_commands_and_exits_with_2(string line, string command)
    {
        var run = await FaRun.OfAsync(FaRun.Alone(), line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        run.ShouldSatisfyAllConditions(
            () => run.ExitCode.ShouldBe(2),
            () => run.Stdout.ShouldBeEmpty(),
            () => run.Stderr.ShouldContain(command));
    }

    [Theory]
    [InlineData("user delete alice")]
    [InlineData("api-key revoke 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c")]
    [InlineData("write-down --amount-cents 1")]
    public async Task What_cannot_be_undone_needs_yes_where_nobody_can_be_asked(string line)
    {
        var run = await FaRun.OfAsync(FaRun.Alone(), line.Split(' '));

        run.ShouldBe(new FaRun(2, "", "This can't be undone. Without a terminal to ask on, confirm it with --yes.\n"));
    }

    [Fact]
    public async Task Version_is_printed()
    {
        var run = await FaRun.OfAsync(FaRun.Alone(), "--version");

        run.ExitCode.ShouldBe(0);
        run.Stdout.ShouldMatch(@"\A\d+\.\d+\.\d+\S*\n\z");
    }

    [Fact]
    public async Task Help_names_the_commands()
    {
        var run = await FaRun.OfAsync(FaRun.Alone(), "--help");

        run.ExitCode.ShouldBe(0);
        foreach (var command in new[]
            { "ledger", "user", "usage", "grant", "purchase", "write-down", "api-key", "--url", "--json" })
            run.Stdout.ShouldContain(command);
    }
}
