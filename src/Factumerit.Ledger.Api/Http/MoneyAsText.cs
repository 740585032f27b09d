using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Net.Http.Headers;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Writes amounts, prices and factors as JSON strings, for clients that read numbers as doubles and would round them.
/// Clients ask for it by <c>?money=string</c> on any route, or by <c>Accept: application/json; money=string</c>. The
/// string has exactly the digits of the number.
/// </summary>
internal static class MoneyAsText
{
    public const string Parameter = "money";

    private const string Text = "string";
    private const string Number = "number";
    private static readonly JsonSerializerOptions WithText = Make();

    /// <summary>The JSON contract of the type for this request, with amounts as numbers or strings.</summary>
    public static JsonTypeInfo<T> TypeFor<T>(HttpRequest request, JsonTypeInfo<T> type) =>
        IsAskedBy(request) ? (JsonTypeInfo<T>)WithText.GetTypeInfo(typeof(T)) : type;

    /// <summary>The mistake in the query parameter; null if there is none.</summary>
    public static string? MistakeIn(string? value) =>
        value is Text or Number ? null : $"must be {Text} or {Number}";

    private static bool IsAskedBy(HttpRequest request) =>
        request.QueryString.HasValue && request.Query[Parameter] is [{ } value]
            ? value == Text
            // Search for the parameter's name before parsing the header: nearly all requests have none.
            : request.Headers.Accept.ToString().Contains(Parameter, StringComparison.OrdinalIgnoreCase)
                && MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var types)
                && types.Any(accepted => accepted.Quality is not 0 && accepted.Parameters.Any(parameter =>
                    parameter.Name.Equals(Parameter, StringComparison.OrdinalIgnoreCase)
                    && parameter.GetUnescapedValue().Equals(Text, StringComparison.OrdinalIgnoreCase)));

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions(LedgerJson.Default.Options);
        options.Converters.Insert(0, new DecimalAsText());
        options.Converters.Insert(0, new ExactNumberAsText());
        options.MakeReadOnly();
        return options;
    }

    private sealed class DecimalAsText : JsonConverter<decimal>
    {
        public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("Amounts are only written so.");

        public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Money.Normalize(value).ToString(CultureInfo.InvariantCulture));
    }

    private sealed class ExactNumberAsText : JsonConverter<ExactNumber>
    {
        public override ExactNumber Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("Sums are only written.");

        public override void Write(Utf8JsonWriter writer, ExactNumber value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Digits);
    }
}
