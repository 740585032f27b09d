using System.Text.Json;

namespace Factumerit.Ledger.Tests.Rules;

/// <summary>Each limit of a field, at the last value that is taken and the first that is not.</summary>
public sealed class FieldErrorsTests
{
    [Theory]
    [InlineData("Ann", true)]
    [InlineData("Æsa Ødegård 李", true)]
    [InlineData("robot \U0001F916", true)]
    [InlineData("a\u202Eb", false)] // turns what follows round
    [InlineData("a\u2066b", false)]
    [InlineData("a\u200Fb", false)]
    [InlineData("a\u2028b", false)]
    [InlineData("a\u2029b", false)]
    [InlineData("a\u200Bb", false)]
    [InlineData("a\uFEFFb", false)]
    [InlineData("a\U000E0041b", false)] // a tag
    [InlineData("a\nb", false)]
    [InlineData("", false)]
    public void A_name_for_people_holds_only_what_can_be_seen(string name, bool isFine) =>
        (Of(e => e.CheckPersonalName("f", name)) is null).ShouldBe(isFine);

    [Fact]
    public void An_amount_ends_at_ten_to_the_twelfth_and_seven_decimals()
    {
        Of(e => e.CheckAmount("f", 1_000_000_000_000m, zeroAllowed: false)).ShouldBeNull();
        Of(e => e.CheckAmount("f", 1_000_000_000_000.0000001m, zeroAllowed: false))
            .ShouldBe("must be at most 1000000000000");
        Of(e => e.CheckAmount("f", 0.0000001m, zeroAllowed: false)).ShouldBeNull();
        Of(e => e.CheckAmount("f", 0.00000001m, zeroAllowed: false)).ShouldNotBeNull()
            .ShouldStartWith("must have at most 7 decimals");
    }

    [Fact]
    public void Zero_is_an_amount_only_where_it_makes_sense()
    {
        Of(e => e.CheckAmount("f", 0, zeroAllowed: true)).ShouldBeNull();
        Of(e => e.CheckAmount("f", 0, zeroAllowed: false)).ShouldBe("must be greater than 0");
        Of(e => e.CheckAmount("f", -0.0000001m, zeroAllowed: true)).ShouldBe("must not be negative");
        Of(e => e.CheckAmount("f", null, zeroAllowed: true)).ShouldBe("is required");
    }

    [Fact]
    public void A_user_id_is_required_and_of_the_chart()
    {
        Of(e => e.CheckUserId("f", new string('a', 200))).ShouldBeNull();
        Of(e => e.CheckUserId("f", new string('a', 201))).ShouldNotBeNull();
        Of(e => e.CheckUserId("f", "al ice")).ShouldNotBeNull();
        Of(e => e.CheckUserId("f", "")).ShouldBe("is required");
        Of(e => e.CheckUserId("f", null)).ShouldBe("is required");
    }

    [Fact]
    public void A_key_has_1_to_255_characters_and_none_of_them_controls_R9()
    {
        Of(e => e.CheckKey("f", new string('k', 255), "why")).ShouldBeNull();
        Of(e => e.CheckKey("f", new string('k', 256), "why")).ShouldNotBeNull().ShouldContain("255");
        Of(e => e.CheckKey("f", "a\nb", "why")).ShouldNotBeNull();
        Of(e => e.CheckKey("f", "a\0b", "why")).ShouldNotBeNull();
        foreach (var missing in new[] { null, "", "  " })
            Of(e => e.CheckKey("f", missing, "why")).ShouldBe("why");
    }

    [Fact]
    public void A_name_has_1_to_200_characters_and_none_of_them_controls()
    {
        Of(e => e.CheckName("f", null)).ShouldBeNull();
        Of(e => e.CheckName("f", "n")).ShouldBeNull();
        Of(e => e.CheckName("f", new string('n', 200))).ShouldBeNull();
        Of(e => e.CheckName("f", new string('n', 201))).ShouldNotBeNull();
        Of(e => e.CheckName("f", "")).ShouldNotBeNull();
        Of(e => e.CheckName("f", "a\tb")).ShouldNotBeNull();
    }

    [Fact]
    public void A_text_has_at_most_1000_characters_and_may_have_lines()
    {
        Of(e => e.CheckText("f", null)).ShouldBeNull();
        Of(e => e.CheckText("f", "")).ShouldBeNull();
        Of(e => e.CheckText("f", "one\r\n\ttwo")).ShouldBeNull();
        Of(e => e.CheckText("f", new string('t', 1000))).ShouldBeNull();
        Of(e => e.CheckText("f", new string('t', 1001))).ShouldNotBeNull();
        Of(e => e.CheckText("f", "bell\a")).ShouldNotBeNull();
        Of(e => e.CheckText("f", "nul\0")).ShouldNotBeNull();
    }

    [Fact]
    public void Tokens_go_from_0_to_what_an_integer_column_holds()
    {
        Of(e => e.CheckTokens("f", null)).ShouldBeNull();
        Of(e => e.CheckTokens("f", 0)).ShouldBeNull();
        Of(e => e.CheckTokens("f", 2_147_483_647)).ShouldBeNull();
        Of(e => e.CheckTokens("f", 2_147_483_648)).ShouldNotBeNull();
        Of(e => e.CheckTokens("f", -1)).ShouldNotBeNull();
    }

    [Fact]
    public void Metadata_is_an_object_of_at_most_16_KiB()
    {
        Of(e => e.CheckMetadata("f", null)).ShouldBeNull();
        Of(e => e.CheckMetadata("f", Metadata(16 * 1024))).ShouldBeNull();
        Of(e => e.CheckMetadata("f", Metadata(16 * 1024 + 1))).ShouldNotBeNull();
        foreach (var json in new[] { "[]", "1", "\"text\"", "true", "null" })
            Of(e => e.CheckMetadata("f", JsonElement.Parse(json))).ShouldBe("must be a JSON object");

        static JsonElement Metadata(int length) => JsonElement.Parse($$"""{"a":"{{new string('x', length - 8)}}"}""");
    }

    [Fact]
    public void A_provider_is_of_the_chart()
    {
        Of(e => e.CheckProvider("f", "openai")).ShouldBeNull();
        Of(e => e.CheckProvider("f", "api")).ShouldNotBeNull();
        Of(e => e.CheckProvider("f", "")).ShouldNotBeNull();
    }

    [Fact]
    public void One_answer_names_every_mistake()
    {
        var errors = new FieldErrors(Books.Now);
        errors.Any.ShouldBeFalse();
        errors.Add("a", "is wrong");
        errors.Add("b", "is missing");
        errors.Add("a", "is late");
        errors.Any.ShouldBeTrue();
        var refusal = errors.ToRefusal();
        refusal.Code.ShouldBe("validation-failed");
        refusal.Errors["a"].ShouldBe(["is wrong", "is late"]);
        refusal.Detail.ShouldBe("a is wrong; is late. b is missing.");
    }

    private static string? Of(Action<FieldErrors> check)
    {
        var errors = new FieldErrors(Books.Now);
        check(errors);
        return errors.Any ? errors.ToRefusal().Errors["f"].Single() : null;
    }
}
