using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Adds to the schemas what generated clients need beyond the C# types: bounds and allowed words of request fields, the
/// fields that responses always contain, and the numbers that are exact decimals.
/// </summary>
internal sealed class ApiSchemas : ISchemaFilter
{
    private static readonly Dictionary<string, string[]> Words = new()
    {
        ["AccountBalance.type"] = ["user", "asset", "expense", "equity"],
        ["ApiKeyAnswer.role"] = Roles.All,
        ["ApiKeyRequest.role"] = Roles.All,
        ["HealthAnswer.status"] = ["healthy", "unhealthy"],
        ["HoldAnswer.state"] = Hold.States,
        ["MarginReport.group_by"] = ["user", "model", "provider", "day"],
        ["PendingDelivery.action"] = ["block", "unblock", "delete"],
        ["PriceChange.change"] = ["added", "changed", "gone"],
        ["RecordedUsage.billing_status"] = ["billed", "needs_review", "waived"],
        ["TypeSummary.type"] = ["user", "asset", "expense", "equity"],
        ["UsageDetail.billing_status"] = ["billed", "needs_review", "waived"],
        ["UsageRequest.billing_status"] = ["needs_review"],
        ["VirtualKeyAnswer.status"] = ["creating", "active", "revoking", "revoked", "failed"],
    };

    // A field name has the same bounds in all requests.
    private static readonly Dictionary<string, (int Least, int Most)> Lengths = new()
    {
        ["user_id"] = (1, ChartOfAccounts.UserIdLengthMax),
        ["request_id"] = (1, FieldErrors.KeyLengthMax),
        ["description"] = (0, FieldErrors.TextLengthMax),
        ["reason"] = (0, FieldErrors.TextLengthMax),
        ["external_id"] = (1, FieldErrors.KeyLengthMax),
    };

    // The amounts that must be greater than 0; all others may be 0.
    private static readonly string[] Positive = ["GrantRequest.amount_cents", "PurchaseRequest.credits_cents"];

    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Properties: { } fields } known
            || context.Type.Assembly == typeof(string).Assembly)
            return;
        // Request fields are nullable in C#, so that validation can report a missing field by name. Responses always
        // contain all of their fields, possibly null.
        var isSent = context.Type.Name.EndsWith("Request", StringComparison.Ordinal);
        if (isSent)
            known.Required = ApiExamples.RequiredFields.GetValueOrDefault(context.Type)?.ToHashSet();
        else
        {
            known.Required = AlwaysAnswered(context.Type).Where(fields.ContainsKey).ToHashSet();
            // Later versions may add fields.
            known.AdditionalPropertiesAllowed = true;
        }
        foreach (var (name, field) in fields)
            if (field is OpenApiSchema described)
            {
                if (isSent && known.Required?.Contains(name) == true)
                    described.Type &= ~JsonSchemaType.Null;
                Describe(described, $"{context.Type.Name}.{name}", name, isSent);
            }
    }

    private static void Describe(OpenApiSchema field, string place, string name, bool isSent)
    {
        if (Words.TryGetValue(place, out var words))
            field.Enum = [.. words.Select(word => (JsonNode)word)];
        // Some readers ignore null unless the schema states a type.
        if (field is { AllOf.Count: 1, Type: { } type } && type.HasFlag(JsonSchemaType.Null))
            field.Type = JsonSchemaType.Object | JsonSchemaType.Null;
        if (field.Format == OpenApi.DecimalFormat)
            field.Description = $"{field.Description} An exact decimal.".TrimStart();
        if (!isSent)
            return;
        if (Positive.Contains(place))
            (field.ExclusiveMinimum, field.Maximum) = ("0", Money.Format(Money.OperationCentsMax));
        else if (name.EndsWith("_cents", StringComparison.Ordinal))
            (field.Minimum, field.Maximum) = ("0", Money.Format(Money.OperationCentsMax));
        else if (name == "provider_cost_usd")
            (field.Minimum, field.Maximum) = ("0", Money.Format(Money.CostUsdMax));
        else if (name.EndsWith("_tokens", StringComparison.Ordinal))
            (field.Minimum, field.Maximum) = ("0", $"{FieldErrors.TokensMax}");
        else if (Lengths.TryGetValue(name, out var length))
            (field.MinLength, field.MaxLength) = (length.Least, length.Most);
    }

    private static IEnumerable<string> AlwaysAnswered(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetCustomAttribute<JsonIgnoreAttribute>() is null)
            .Select(property => property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name
                ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
}
