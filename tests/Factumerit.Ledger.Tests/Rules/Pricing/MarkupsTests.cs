using System.ComponentModel.DataAnnotations;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Tests.Rules.Pricing;

/// <summary>The markup of a call, and which settings the service refuses to start with.</summary>
public sealed class MarkupsTests
{
    [Theory]
    [InlineData("claude", "anthropic", "3")]
    [InlineData("anthropic/claude", "anthropic", "3")]
    [InlineData("amazon.nova-lite-v1:0", "bedrock", "4")]
    [InlineData("gpt-4o", "anthropic", "2")]
    [InlineData("gpt-4o", "openai", "1.5")]
    [InlineData("gpt-4o", null, "1.5")]
    [InlineData(null, "anthropic", "2")]
    [InlineData(null, null, "1.5")]
    public void A_model_beats_its_provider_which_beats_the_default(string? model, string? provider, string factor) =>
        new Markups(new PricingOptions
        {
            Markup = 1.5m,
            Overrides =
            [
                new() { Provider = "anthropic", Markup = 2m },
                new() { Model = "claude", Markup = 3m },
                new() { Model = "amazon.nova-lite-v1:0", Markup = 4m },
            ],
        }).FactorOf(model, provider).ShouldBe(decimal.Parse(factor, System.Globalization.CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("nova", "bedrock", "2")]
    [InlineData("nova", "bedrock_converse", "2")]
    [InlineData("claude", "bedrock", "3")]
    [InlineData("bedrock/claude", "bedrock", "3")]
    [InlineData("bedrock_converse/claude", null, "3")]
    [InlineData("claude", "anthropic", "4")]
    [InlineData("gpt", "vertex_ai-openai_models", "5")]
    public void Every_name_of_a_vendor_has_the_vendors_factor(string model, string? provider, string factor) =>
        new Markups(new PricingOptions
        {
            Overrides =
            [
                new() { Provider = "bedrock_converse", Markup = 2m },
                new() { Model = "bedrock_converse/claude", Markup = 3m },
                new() { Model = "claude", Markup = 4m },
                new() { Provider = "vertex_ai", Markup = 5m },
            ],
        }).FactorOf(model, provider).ShouldBe(decimal.Parse(factor, System.Globalization.CultureInfo.InvariantCulture));

    [Fact]
    public void Two_names_of_one_vendor_are_one_setting() => ErrorsOf(new PricingOptions
    {
        Overrides =
        [
            new() { Provider = "bedrock", Markup = 2m }, new() { Provider = "bedrock_converse", Markup = 2m },
            new() { Model = "bedrock/m", Markup = 2m }, new() { Model = "bedrock_converse/m", Markup = 2m },
        ],
    }).ShouldBe(
        [
            "Pricing:Overrides:1 repeats bedrock_converse, which has a markup already.",
            "Pricing:Overrides:3 repeats bedrock_converse/m, which has a markup already.",
        ]);

    [Fact]
    public void The_default_is_1() => Markups.None.FactorOf("m", "p").ShouldBe(1m);

    [Fact]
    public void Good_settings_have_no_errors() => ErrorsOf(new PricingOptions
    {
        Markup = 1000m,
        Overrides = [new() { Provider = "a", Markup = 0m }, new() { Model = "a", Markup = 0.000001m }],
    }).ShouldBeEmpty();

    [Fact]
    public void Every_wrong_setting_is_named_with_what_is_right()
    {
        const string limits = "must be from 0 to 1000, with at most 6 decimals.";
        ErrorsOf(new PricingOptions
        {
            Markup = -1m,
            Overrides =
            [
                new() { Provider = "a", Model = "b", Markup = 1m },
                new() { Markup = 1m },
                new() { Provider = "API", Markup = 1m },
                new() { Model = "b" },
                new() { Model = "b", Markup = 1000.1m },
                new() { Provider = "c", Markup = 1.0000001m },
            ],
        }).ShouldBe(
            [
                $"Pricing:Markup {limits}",
                "Pricing:Overrides:0 must name either a Provider or a Model.",
                "Pricing:Overrides:1 must name either a Provider or a Model.",
                "Pricing:Overrides:2:Provider must be a lower-case letter followed by up to 39 of a-z, 0-9, _ and -, "
                + "and neither 'api' nor 'sales_tax'.",
                $"Pricing:Overrides:3:Markup {limits}",
                "Pricing:Overrides:4 repeats b, which has a markup already.",
                $"Pricing:Overrides:4:Markup {limits}",
                $"Pricing:Overrides:5:Markup {limits}",
            ]);
    }

    [Fact]
    public void The_refresh_is_at_least_a_second() =>
        ErrorsOf(new PricingOptions { RefreshSeconds = 0 })
            .ShouldBe(["Pricing:RefreshSeconds must be from 1 to 3600."]);

    private static string?[] ErrorsOf(PricingOptions options)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        return [.. results.Select(r => r.ErrorMessage)];
    }
}
