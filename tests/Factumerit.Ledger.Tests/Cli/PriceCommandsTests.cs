using Factumerit.Ledger.Cli;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary>
/// <c>fa prices</c>: requests, printed tables, and the sample of real prices against the real service.
/// </summary>
public sealed class PriceCommandsTests : IAsyncLifetime, IDisposable
{
    private const string Imported = """
        {"version":2,"valid_from":"2026-01-02T00:00:00Z","added":1,"changed":1,"gone":1,"unchanged":1200,"skipped":3,
          "changes":[
          {"model":"claude","change":"changed","valid_from":"2026-01-02T00:00:00Z",
           "old":{"provider":"anthropic","input_usd_per_token":0.000003,"output_usd_per_token":0.000015,
             "cache_read_usd_per_token":null,"cache_write_usd_per_token":null,"reasoning_usd_per_token":null,
             "mode":"chat","other_prices":{"a":1,"b":1}},
           "new":{"provider":"anthropic","input_usd_per_token":0.0000025,"output_usd_per_token":null,
             "cache_read_usd_per_token":0.0000003,"cache_write_usd_per_token":null,"reasoning_usd_per_token":null,
             "mode":"chat","other_prices":{"a":2,"c":3}}},
          {"model":"llama","change":"added","valid_from":null,"old":null,
           "new":{"provider":null,"input_usd_per_token":0,"output_usd_per_token":0,"cache_read_usd_per_token":null,
             "cache_write_usd_per_token":null,"reasoning_usd_per_token":null}},
          {"model":"old","change":"gone","valid_from":"2026-01-02T00:00:00Z",
           "old":{"provider":"p","input_usd_per_token":0.000001,"output_usd_per_token":0.000002,
             "cache_read_usd_per_token":null,"cache_write_usd_per_token":null,"reasoning_usd_per_token":null,
             "mode":null,"other_prices":{"a":1}},"new":null}],
         "has_more_changes":true}
        """;

    private readonly ScratchDirectory _scratch = new();
    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_version_is_cancelled_once_that_is_confirmed()
    {
        _ledger.Answers(200,
            """
            {"version":7,"valid_from":"2026-02-01T00:00:00Z","cancelled_at":"2026-01-31T12:00:00Z",
             "cancelled_by":"root"}
            """);

        var run = await FaRun.OfAsync(_ledger, "prices", "cancel", "7", "--yes");

        run.ShouldBe(new FaRun(0, "Cancelled version 7 of the prices, due to start at 2026-02-01 00:00:00Z.\n", ""));
        (_ledger.Request.Method, _ledger.Request.Path).ShouldBe(("DELETE", "/prices/versions/7"));
        (await FaRun.OfAsync(_ledger, "prices", "cancel", "seven", "--yes")).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task An_import_sends_the_file_as_it_is_and_shows_what_changed()
    {
        var file = _scratch.Write("map.json", """{"claude": {"input_cost_per_token": 2.50e-06}}""");
        _ledger.Answers(200, Imported);

        var run = await FaRun.OfAsync(_ledger, "prices", "import", file, "--valid-from", "2026-01-02T00:00:00+00:00");

        run.ShouldBe(new FaRun(0, """
            MODEL   CHANGE   PROVIDER   INPUT           OUTPUT       CACHE READ  CACHE WRITE  REASONING  OTHERS
            claude  changed  anthropic  $3.00 -> $2.50  $15.00 -> -  - -> $0.30  -            -          2, 3 changed
            llama   added    -          $0.00           $0.00        -           -            -          0
            old     gone     p          $1.00           $2.00        -           -            -          1
            ... and more.

            Imported version 2: 1 added, 1 changed, 1 gone, 1,200 unchanged, 3 skipped.

            """, ""));
        _ledger.Request.ShouldBe(new Received(
            "POST", "/prices/import?valid_from=2026-01-02T00%3A00%3A00%2B00%3A00", "Bearer " + FakeLedger.ApiKey, null,
            """{"claude": {"input_cost_per_token": 2.50e-06}}"""));
    }

    [Theory]
    [InlineData("Dry run, nothing was imported: 0 added, 0 changed, 0 gone, 2 unchanged, 0 skipped.\n",
        "/prices/import?dry_run=true", "--dry-run")]
    [InlineData("Nothing changed: 0 added, 0 changed, 0 gone, 2 unchanged, 0 skipped.\n", "/prices/import")]
    public async Task Nothing_imported_is_said_as_such(string said, string path, params string[] options)
    {
        _ledger.Answers(200,
            """
            {"version":null,"valid_from":"2026-01-02T00:00:00Z","added":0,"changed":0,"gone":0,"unchanged":2,
             "skipped":0,"changes":[],"has_more_changes":false}
            """);

        var run = await FaRun.OfAsync(_ledger, ["prices", "import", _scratch.Write("map.json", "{}"), .. options]);

        run.ShouldBe(new FaRun(0, said, ""));
        _ledger.Request.Path.ShouldBe(path);
    }

    [Fact]
    public async Task An_import_that_would_end_many_models_asks_on_a_terminal_and_is_refused_elsewhere()
    {
        const string ending = """
            {"type":"/problems/validation-failed","title":"t","status":400,"detail":"d","code":"validation-failed",
              "errors":{"allow_gone":["must be true for this: 2 of the 10 models would end"]}}
            """;
        var file = _scratch.Write("map.json", "{}");

        _ledger.Answers(400, ending);
        (await FaRun.OfAsync(_ledger, "prices", "import", file))
            .ShouldBe(new FaRun(1, "", "2 of the 10 models would end. To import it anyway, run again with --yes.\n"));
        _ledger.Answers(400, ending);
        (await FaRun.OfAsync(OnTerminal("n\n"), "prices", "import", file))
            .ShouldBe(new FaRun(1, "", "2 of the 10 models would end. Import it anyway? This can't be undone. "
                + "[y/N] Nothing was done.\n"));
        _ledger.Answers(400, ending);
        (await FaRun.OfAsync(OnTerminal("n\n"), "prices", "import", file, "--valid-from", "2027-01-01"))
            .ShouldBe(new FaRun(1, "", "2 of the 10 models would end. Import it anyway? Until shortly before the "
                + "prices start, 'fa prices cancel' takes them back. [y/N] Nothing was done.\n"));
        _ledger.Answers(400, ending).Answers(200, Imported);
        (await FaRun.OfAsync(OnTerminal("y\n"), "prices", "import", file)).Stdout.ShouldEndWith("3 skipped.\n");
        _ledger.Answers(200, Imported);
        (await FaRun.OfAsync(_ledger, "prices", "import", file, "--yes")).ExitCode.ShouldBe(0);
        _ledger.Answers(
            400, """{"title":"t","detail":"is wrong.","code":"validation-failed","errors":{"m":["is wrong"]}}""");
        (await FaRun.OfAsync(_ledger, "prices", "import", file, "--yes"))
            .ShouldBe(new FaRun(1, "", $"{file}: validation-failed: is wrong. m: is wrong\n"));

        _ledger.Requests.Select(request => request.Path).ShouldBe(
            ["/prices/import", "/prices/import", "/prices/import?valid_from=2027-01-01", "/prices/import",
                "/prices/import?allow_gone=true", "/prices/import?allow_gone=true", "/prices/import?allow_gone=true"]);

        FaEnvironment OnTerminal(string typed) =>
            FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader(typed) };
    }

    [Fact]
    public async Task Programs_get_the_answer_as_it_came()
    {
        _ledger.Answers(200, Imported);

        (await FaRun.OfAsync(_ledger, "prices", "import", _scratch.Write("map.json", "{}"), "--json"))
            .Stdout.ShouldBe(Imported + "\n");
    }

    [Fact]
    public async Task A_file_that_can_not_be_read_is_one_line()
    {
        (await FaRun.OfAsync(_ledger, "prices", "import", "/nowhere/map.json"))
            .ShouldBe(new FaRun(1, "", "/nowhere/map.json: no such file.\n"));
        (await FaRun.OfAsync(_ledger, "prices", "import", _scratch.Path))
            .ShouldBe(new FaRun(1, "", $"{_scratch.Path}: is a directory.\n"));
        var large = _scratch.Write("large.json", new string(' ', (8 * 1024 * 1024) + 1));
        (await FaRun.OfAsync(_ledger, "prices", "import", large))
            .ShouldBe(new FaRun(1, "", $"{large}: is larger than 8 MiB, the limit for a price map.\n"));
        _ledger.Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("model,price\nm,1\n", ":1: is not JSON: ")]
    [InlineData("{\n\"m\": {", ":2: is not JSON: ")]
    [InlineData("[]", ": is not a JSON object: ")]
    public async Task A_file_that_is_no_price_map_is_named_before_anything_is_sent(string text, string complaint)
    {
        var file = _scratch.Write("map.csv", text);

        (await FaRun.OfAsync(_ledger, "prices", "import", file)).ShouldBe(new FaRun(
            1,
            "",
            $"{file}{complaint}a price map is one JSON object with an entry for each model, "
                + "such as LiteLLM's model_prices_and_context_window.json.\n"));
        _ledger.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_wrong_time_is_not_said_of_the_file()
    {
        _ledger.Answers(
            400,
            """{"title":"t","detail":"is wrong.","code":"validation-failed","errors":{"valid_from":["is no time"]}}""");

        (await FaRun.OfAsync(_ledger, "prices", "import", _scratch.Write("map.json", "\ufeff{}"), "--valid-from", "x"))
            .ShouldBe(new FaRun(1, "", "validation-failed: is wrong. valid_from: is no time\n"));
    }

    [Fact]
    public async Task A_lost_answer_is_told_with_the_way_out()
    {
        _ledger.HangsUp();

        var run = await FaRun.OfAsync(_ledger, "prices", "import", _scratch.Write("map.json", "{}"));

        run.ExitCode.ShouldBe(1);
        run.Stderr.ShouldEndWith("It is unknown whether the request was carried out. Running it again is safe.\n");
    }

    [Fact]
    public async Task Prices_are_listed_for_a_million_tokens()
    {
        _ledger.Answers(200, """
            {"prices":[{"model":"claude","provider":"anthropic","input_usd_per_token":0.000003,
              "output_usd_per_token":0.000015,"cache_read_usd_per_token":0.0000003,"cache_write_usd_per_token":null,
              "reasoning_usd_per_token":null,"mode":"chat","other_prices":{"a":1,"b":2},"valid_from":null,"version":1,
              "is_gone":false},
             {"model":"odd","provider":null,"input_usd_per_token":0.0000007999999999999999,
               "output_usd_per_token":null,"cache_read_usd_per_token":null,"cache_write_usd_per_token":null,
               "reasoning_usd_per_token":0.00002,"valid_from":"2026-01-02T00:00:00Z","version":2,"is_gone":false}],
               "next_after":null}
            """);

        var run = await FaRun.OfAsync(
            _ledger, "prices", "list", "--prefix", "a/b", "--provider", "p", "--at", "2026-01-01");

        run.ShouldBe(new FaRun(0, """
MODEL   PROVIDER                 INPUT  OUTPUT  CACHE READ  CACHE WRITE  REASONING  MODE  OTHERS  VALID FROM
claude  anthropic  $3.00                $15.00       $0.30                          chat       2  the beginning
odd     -          $0.7999999999999999                                      $20.00  -             2026-01-02 00:00:00Z

""", ""));
        _ledger.Request.Path.ShouldBe("/prices?prefix=a%2Fb&provider=p&at=2026-01-01&limit=1000");
    }

    [Fact]
    public async Task A_models_history_is_shown_newest_first()
    {
        _ledger.Answers(200, """
            {"model":"eu/claude","prices":[{"model":"eu/claude","provider":"p","input_usd_per_token":2,
              "output_usd_per_token":3,"cache_read_usd_per_token":null,"cache_write_usd_per_token":null,
              "reasoning_usd_per_token":null,"valid_from":"2026-01-02T00:00:00Z","version":1042,"is_gone":true},
             {"model":"eu/claude","provider":"p","input_usd_per_token":0.000003,"output_usd_per_token":0.000015,
               "cache_read_usd_per_token":null,"cache_write_usd_per_token":null,"reasoning_usd_per_token":null,
               "mode":"chat","other_prices":{"ocr_cost_per_page":0.003,"input_cost_per_token_flex":0.0000000799},
               "valid_from":null,"version":1,"is_gone":false}]}
            """);

        var run = await FaRun.OfAsync(_ledger, "prices", "show", "eu/cl aude");

        run.ShouldBe(new FaRun(0, """
            eu/claude
            VALID FROM            VERSION  PROVIDER  INPUT  OUTPUT  CACHE READ  CACHE WRITE  REASONING  MODE  OTHERS
            2026-01-02 00:00:00Z  1042     gone
            the beginning         1        p         $3.00  $15.00                                      chat       2

            VERSION  OTHER PRICE                USD PER UNIT
            1        input_cost_per_token_flex  0.0000000799
            1        ocr_cost_per_page          0.003

            """, ""));
        _ledger.Request.Path.ShouldBe("/prices/eu/cl%20aude");
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("/")]
    public async Task What_is_no_name_of_a_model_is_wrong_usage(string model) =>
        (await FaRun.OfAsync(_ledger, "prices", "show", model)).ExitCode.ShouldBe(ExitCode.WrongUsage);

    [Fact]
    public async Task The_sample_of_real_prices_is_imported_listed_and_shown()
    {
        var service = new LedgerService();
        await service.InitializeAsync();
        try
        {
            var sample = _scratch.Write("sample.json", ReadSample());

            var first = await FaRun.OfAsync(FaRun.Beside(service), "prices", "import", sample);
            var again = await FaRun.OfAsync(FaRun.Beside(service), "prices", "import", sample);
            var list = await FaRun.OfAsync(FaRun.Beside(service), "prices", "list", "--provider", "anthropic");
            var show = await FaRun.OfAsync(FaRun.Beside(service), "prices", "show", "bedrock/amazon.nova-lite-v1:0");
            var wrong = await FaRun.OfAsync(FaRun.Beside(service), "prices", "show", "unknown");

            first.Stdout.ShouldEndWith("\nImported version 1: 8 added, 0 changed, 0 gone, 0 unchanged, 3 skipped.\n");
            again.ShouldBe(new FaRun(0, "Nothing changed: 0 added, 0 changed, 0 gone, 8 unchanged, 3 skipped.\n", ""));
            list.ShouldBe(new FaRun(0, """
MODEL                      PROVIDER    INPUT  OUTPUT  CACHE READ  CACHE WRITE  REASONING  MODE  OTHERS  VALID FROM
claude-3-5-haiku-20241022  anthropic   $0.80   $4.00       $0.08        $1.00             chat          the beginning
claude-opus-4-20250514     anthropic  $15.00  $75.00       $1.50       $18.75             chat          the beginning
claude-sonnet-4-20250514   anthropic   $3.00  $15.00       $0.30        $3.75             chat          the beginning

""", ""));
            show.Stdout.ShouldBe("""
                amazon.nova-lite-v1:0
                VALID FROM     VERSION  PROVIDER  INPUT  OUTPUT  CACHE READ  CACHE WRITE  REASONING  MODE  OTHERS
                the beginning  1        bedrock   $0.06   $0.24                                      chat

                """);
            wrong.ExitCode.ShouldBe(1);
            wrong.Stderr.ShouldContain("not-found");
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    // Reads the sample beside the repository if it exists, else the copy below.
    private static string ReadSample()
    {
        var sample = Path.Combine(Repository.Root, "..", "shared/data/model-prices.sample.json");
        return File.Exists(sample) ? File.ReadAllText(sample) : Sample;
    }

    private const string Sample = """
        {
          "sample_spec": { "input_cost_per_token": 0.0, "output_cost_per_token": 0.0,
            "litellm_provider": "one of the providers" },
          "claude-sonnet-4-20250514": { "litellm_provider": "anthropic", "mode": "chat",
            "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
            "cache_creation_input_token_cost": 3.75e-06, "cache_read_input_token_cost": 3e-07 },
          "claude-opus-4-20250514": { "litellm_provider": "anthropic", "mode": "chat",
            "input_cost_per_token": 1.5e-05, "output_cost_per_token": 7.5e-05,
            "cache_creation_input_token_cost": 1.875e-05, "cache_read_input_token_cost": 1.5e-06 },
          "claude-3-5-haiku-20241022": { "litellm_provider": "anthropic", "mode": "chat",
            "input_cost_per_token": 8e-07, "output_cost_per_token": 4e-06, "cache_creation_input_token_cost": 1e-06,
            "cache_read_input_token_cost": 8e-08 },
          "gpt-4o": { "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
            "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06 },
          "gpt-4o-mini": { "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.5e-07,
            "output_cost_per_token": 6e-07, "cache_read_input_token_cost": 7.5e-08 },
          "amazon.nova-lite-v1:0": { "litellm_provider": "bedrock_converse", "mode": "chat",
            "input_cost_per_token": 6e-08, "output_cost_per_token": 2.4e-07 },
          "ai21.jamba-1-5-mini-v1:0": { "litellm_provider": "bedrock", "mode": "chat", "input_cost_per_token": 2e-07,
            "output_cost_per_token": 4e-07 },
          "256-x-256/dall-e-2": { "litellm_provider": "openai", "input_cost_per_pixel": 2.4414e-07,
            "output_cost_per_pixel": 0.0 },
          "aiml/dall-e-3": { "litellm_provider": "aiml", "output_cost_per_image": 0.042 },
          "local/llama-free": { "litellm_provider": "ollama", "mode": "chat", "input_cost_per_token": 0.0,
            "output_cost_per_token": 0.0 }
        }
        """;
}
