using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Tests.Rules.Pricing;

/// <summary>Each vendor has one name, and a call finds only prices of its own vendor.</summary>
public sealed class VendorsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 8, 1, 12, 0, 0, TimeSpan.Zero);

    // Each key of the map, its litellm_provider and its own price: all shapes that a real map has.
    private static readonly (string Key, string Provider)[] OddMap =
    [
        ("deepseek-v4-pro", "deepseek"),
        ("fireworks_ai/deepseek-v4-pro", "fireworks_ai"),
        ("xai/grok-4", "xai"),
        ("gpt-4o-mini", "openai"),
        ("azure/gpt-4o-mini", "azure"),
        ("azure/eu/gpt-4o-mini", "azure"),
        ("azure/gpt-35-turbo-instruct", "azure_text"),
        ("azure_ai/gpt-4o-mini", "azure_ai"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock_converse"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock_converse"),
        ("bedrock/us-east-1/anthropic.claude-v2:1", "bedrock"),
        ("bedrock/us-east-1/1-month-commitment/anthropic.claude-v2:1", "bedrock"),
        ("amazon-nova/nova-micro-v1", "amazon_nova"),
        ("command-a-03-2025", "cohere_chat"),
        ("cohere/embed-v4.0", "cohere"),
        ("gpt-3.5-turbo-instruct", "text-completion-openai"),
        ("codestral/codestral-2405", "codestral"),
        ("text-completion-codestral/codestral-2405", "text-completion-codestral"),
        ("gemini/gemini-2.5-pro", "gemini"),
        ("gemini-2.5-pro", "vertex_ai-language-models"),
        ("vertex_ai/claude-sonnet-4-5@20250929", "vertex_ai-anthropic_models"),
        ("vertex_ai/openai/gpt-oss-120b-maas", "vertex_ai-openai_models"),
        ("fireworks_ai/accounts/fireworks/models/deepseek-v3", "fireworks_ai"),
        ("fireworks_ai/WhereIsAI/UAE-Large-V1", "fireworks_ai-embedding-models"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter"),
        ("groq/openai/gpt-oss-120b", "groq"),
        ("cloudflare/@cf/meta/llama-2-7b-chat-fp16", "cloudflare"),
    ];

    private static readonly PriceBook Book = BookOf(OddMap);

    public static TheoryData<string, string> Keys
    {
        get
        {
            var keys = new TheoryData<string, string>();
            foreach (var (key, provider) in OddMap)
                keys.Add(key, provider);
            return keys;
        }
    }

    [Theory]
    [InlineData("bedrock_converse", "bedrock")]
    [InlineData("vertex_ai-language-models", "vertex_ai")]
    [InlineData("vertex_ai-some_day_models", "vertex_ai")]
    [InlineData("vertex_ai_beta", "vertex_ai")]
    [InlineData("vertex_ai", "vertex_ai")]
    [InlineData("vertex_aix", "vertex_aix")]
    [InlineData("cohere_chat", "cohere")]
    [InlineData("text-completion-openai", "openai")]
    [InlineData("azure_text", "azure")]
    [InlineData("azure_ai", "azure_ai")]
    [InlineData("amazon-nova", "amazon_nova")]
    [InlineData("fireworks_ai-embedding-models", "fireworks_ai")]
    [InlineData("Bedrock_Converse", "bedrock")]
    [InlineData("Fireworks AI", "fireworks_ai")]
    [InlineData("azure/eu", "azure_eu")]
    [InlineData("made-up", "made-up")]
    [InlineData("302ai", null)]
    [InlineData("api", null)]
    [InlineData("", null)]
    public void Every_name_of_a_vendor_is_the_vendors_one(string raw, string? vendor) =>
        Vendors.NameOf(raw).ShouldBe(vendor);

    [Theory]
    [MemberData(nameof(Keys))]
    public void Every_key_of_a_map_gets_its_own_price_by_model_and_provider(string key, string provider)
    {
        Book.Find(key, Noon)!.Model.ShouldBe(key);
        Book.Find(key, Noon, provider)!.Model.ShouldBe(key);
        if (key.IndexOf('/', StringComparison.Ordinal) is not (> 0 and var slash))
            return;
        Book.Find(key[(slash + 1)..], Noon, key[..slash])!.Model.ShouldBe(key);
        Book.Find(key[(slash + 1)..], Noon, provider)!.Model.ShouldBe(key);
    }

    [Theory]
    [InlineData("deepseek-v4-pro", "fireworks_ai", "fireworks_ai/deepseek-v4-pro")]
    [InlineData("deepseek-v4-pro", "deepseek", "deepseek-v4-pro")]
    [InlineData("deepseek-v4-pro", null, "deepseek-v4-pro")]
    [InlineData("grok-4", "xai", "xai/grok-4")]
    [InlineData("grok-4", null, null)]
    [InlineData("gpt-4o-mini", "azure", "azure/gpt-4o-mini")]
    [InlineData("azure/gpt-4o-mini", "azure", "azure/gpt-4o-mini")]
    [InlineData("gpt-4o-mini", "openai", "gpt-4o-mini")]
    [InlineData("gpt-4o-mini", "text-completion-openai", "gpt-4o-mini")]
    [InlineData("openai/gpt-4o-mini", "openai", "gpt-4o-mini")]
    [InlineData("openai/gpt-4o-mini", null, "gpt-4o-mini")]
    [InlineData("text-completion-openai/gpt-4o-mini", null, "gpt-4o-mini")]
    [InlineData("gpt-4o-mini", "made-up", null)]
    [InlineData("made-up/gpt-4o-mini", "made-up", null)]
    [InlineData("made-up/gpt-4o-mini", "openai", null)]
    [InlineData("made-up/gpt-4o-mini", null, null)]
    [InlineData("openrouter/gpt-4o-mini", null, null)]
    [InlineData("openai/gpt-4o-mini", "azure", null)]
    [InlineData("anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0")]
    [InlineData(
        "anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock_converse", "anthropic.claude-sonnet-4-5-20250929-v1:0")]
    [InlineData("anthropic.claude-sonnet-4-5-20250929-v1:0", null, "anthropic.claude-sonnet-4-5-20250929-v1:0")]
    [InlineData("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", null, "anthropic.claude-sonnet-4-5-20250929-v1:0")]
    [InlineData("bedrock/eu-west-3/anthropic.claude-v2:1", "bedrock", null)]
    [InlineData("gemini-2.5-pro", "gemini", "gemini/gemini-2.5-pro")]
    [InlineData("gemini-2.5-pro", "vertex_ai", "gemini-2.5-pro")]
    [InlineData("vertex_ai/gemini-2.5-pro", "vertex_ai", "gemini-2.5-pro")]
    [InlineData("amazon_nova/nova-micro-v1", null, "amazon-nova/nova-micro-v1")]
    [InlineData("openai/gpt-oss-120b", "groq", "groq/openai/gpt-oss-120b")]
    [InlineData("anthropic/claude-sonnet-4.5", null, null)]
    [InlineData("codestral-2405", "codestral", "codestral/codestral-2405")]
    public void A_call_finds_only_prices_of_its_own_vendor(string model, string? provider, string? key) =>
        (Book.Find(model, Noon, provider)?.Model).ShouldBe(key);

    [Theory]
    [InlineData("azure")]
    [InlineData("openrouter")]
    public void The_price_of_another_vendor_is_never_taken_for_one_that_is_missing(string provider)
    {
        var book = BookOf([("gpt-4o-mini", "openai"), ("no-vendor", "")]);

        book.Find("gpt-4o-mini", Noon, provider).ShouldBeNull();
        book.Find("no-vendor", Noon, provider).ShouldBeNull();
        book.Find("no-vendor", Noon).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("deepseek-v4-pro", "fireworks_ai", 2, "fireworks_ai")]
    [InlineData("anthropic.claude-sonnet-4-5-20250929-v1:0", null, 9, "bedrock")]
    [InlineData("anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock_converse", 9, "bedrock")]
    public void A_call_is_priced_and_kept_under_its_vendors_name(string model, string? provider, int usd, string vendor)
    {
        var call = new Pricer(Book, Markups.None).Price(model, provider, null, new TokenCounts(1, 0), null, Noon);

        (call.CostUsd, call.Provider).ShouldBe((usd, vendor));
        new Pricer(Book, Markups.None).Price(model, provider, 0.5m, default, null, Noon).Provider.ShouldBe(vendor);
        new Pricer(Book, Markups.None).ProviderOf(model, provider, Noon).ShouldBe(vendor);
    }

    [Fact]
    public void Free_is_a_model_all_of_whose_prices_are_0()
    {
        static ModelPrice Price(string model, decimal usd) =>
            new() { Model = model, Provider = "ollama", InputUsdPerToken = 0, OutputUsdPerToken = usd, Version = 1 };
        var pricer = new Pricer(
            new PriceBook(
                [
                    Price("free", 0), Price("paid", 1), Price("unknown", 0) with { OutputUsdPerToken = null },
                    Price("searches", 0) with { OtherPrices = Others(("search_context_cost_per_query.low", 0.01m)) },
                    Price("nothing", 0) with
                    {
                        OtherPrices = Others(("output_cost_per_image", 0), ("provider_specific_entry.us", 1.1m))
                    },
                ], 1), Markups.None);

        bool IsFree(string model, string? provider = null) => pricer.IsFree(model, provider, Noon);
        (IsFree("free"), IsFree("free", "ollama_chat"), IsFree("ollama/free"), IsFree("nothing"))
            .ShouldBe((true, true, true, true));
        (IsFree("free", "openai"), IsFree("paid"), IsFree("unknown"), IsFree("searches"), IsFree("not there"))
            .ShouldBe((false, false, false, false, false));
    }

    [Fact]
    public void A_call_whose_provider_is_given_allocates_nothing()
    {
        var (pricer, tokens) = (new Pricer(Book, Markups.None), new TokenCounts(1000, 500));
        pricer.Price("anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock_converse", null, tokens, null, Noon)
            .PriceCents.ShouldNotBeNull();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            pricer.Price("anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock_converse", null, tokens, null, Noon);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static OtherPriceDictionary? Others(params (string Name, decimal Usd)[] prices) =>
        OtherPriceDictionary.Of([.. prices.Select(price => KeyValuePair.Create(price.Name, price.Usd))]);

    // Prices of 1, 2, 3 ... dollars, so that each tells whose it is.
    private static PriceBook BookOf((string Key, string Provider)[] map) => new(
        map.Select((entry, index) => new ModelPrice
        {
            Model = entry.Key,
            Provider = Vendors.NameOf(entry.Provider),
            InputUsdPerToken = index + 1,
            OutputUsdPerToken = 0,
            Version = 1,
        }), 1);
}
