namespace Factumerit.Ledger.LiteLlm;

/// <summary>The objects of a payload that contain wanted fields.</summary>
internal enum Level : byte
{
    /// <summary>An object without wanted fields.</summary>
    None,
    Payload,
    Metadata,
    HiddenParams,
    CostBreakdown,
    Usage,
    PromptDetails,
    CompletionDetails,
    ModelParameters,

    /// <summary>The provider's answer. Never kept, except for the service tier that it names.</summary>
    Response,

    /// <summary>The part after the rows of a page of spend logs.</summary>
    Page,
}

/// <summary>The meaning of a field, independent of its spelling.</summary>
internal enum Field : byte
{
    None,
    Id, CallId, RequestId,
    Cost, Spend,
    Margin,
    InputCost, OutputCost, ToolCost,
    PromptTokens, CompletionTokens, InputTokens, OutputTokens,
    CacheReadTokens, CacheWriteTokens, ReasoningTokens, TotalTokens,
    StartTime, EndTime,
    CallType, Model, ModelGroup, Provider, ServiceTier, Status, CacheHit,
    KeyHash, KeyAlias, KeyUserId, Email, EndUser, User,
    Object,
    TotalPages,

    /// <summary>An array of items, if the body itself is an object with such an array.</summary>
    Records,
}

/// <summary>A field in LiteLLM's spelling and, for an object, the level of its fields.</summary>
internal sealed class PayloadField(string name, Field meaning, Level inside = Level.None)
{
    private readonly byte[] _name = System.Text.Encoding.UTF8.GetBytes(name);

    public string Name => name;
    public Field Field => meaning;
    public Level Inside => inside;

    public bool Is(ReadOnlySpan<byte> other) => other.SequenceEqual(_name);
}

/// <summary>
/// The wanted names per object, in every spelling that versions of LiteLLM use. All other fields, above all messages
/// and the content of the response, are skipped without being copied or decoded.
/// </summary>
internal static class PayloadFields
{
    private static readonly PayloadField[] Payload =
    [
        new("id", Field.Id), new("litellm_call_id", Field.CallId), new("call_id", Field.CallId),
        new("request_id", Field.RequestId),
        new("response_cost", Field.Cost), new("cost", Field.Cost), new("spend", Field.Spend),
        new("cost_breakdown", Field.Object, Level.CostBreakdown),
        new("prompt_tokens", Field.PromptTokens), new("completion_tokens", Field.CompletionTokens),
        new("total_tokens", Field.TotalTokens),
        new("usage", Field.Object, Level.Usage), new("metadata", Field.Object, Level.Metadata),
        new("hidden_params", Field.Object, Level.HiddenParams),
        new("startTime", Field.StartTime), new("endTime", Field.EndTime),
        new("call_type", Field.CallType), new("model", Field.Model), new("model_group", Field.ModelGroup),
        new("custom_llm_provider", Field.Provider),
        new("model_parameters", Field.Object, Level.ModelParameters), new("service_tier", Field.ServiceTier),
        new("response", Field.Object, Level.Response),
        new("status", Field.Status), new("cache_hit", Field.CacheHit),
        new("end_user", Field.EndUser), new("user", Field.User), new("api_key", Field.KeyHash),
        new("standard_logging_payload", Field.Object, Level.Payload),
        new("records", Field.Records), new("data", Field.Records),
    ];

    private static readonly PayloadField[] Metadata =
    [
        new("user_api_key_hash", Field.KeyHash), new("user_api_key", Field.KeyHash),
        new("user_api_key_alias", Field.KeyAlias),
        new("user_api_key_user_id", Field.KeyUserId), new("user_api_key_user_email", Field.Email),
        new("user_api_key_end_user_id", Field.EndUser), new("usage_object", Field.Object, Level.Usage),
        new("cost_breakdown", Field.Object, Level.CostBreakdown),
    ];

    private static readonly PayloadField[] HiddenParams =
        [new("response_cost", Field.Cost), new("usage_object", Field.Object, Level.Usage)];

    private static readonly PayloadField[] CostBreakdown =
    [
        new("total_cost", Field.Cost), new("margin_total_amount", Field.Margin),
        new("input_cost", Field.InputCost), new("output_cost", Field.OutputCost),
        new("tool_usage_cost", Field.ToolCost),
    ];

    private static readonly PayloadField[] ModelParameters = [new("service_tier", Field.ServiceTier)];

    private static readonly PayloadField[] Response = [new("service_tier", Field.ServiceTier)];

    private static readonly PayloadField[] Page = [new("total_pages", Field.TotalPages)];

    private static readonly PayloadField[] Usage =
    [
        new("prompt_tokens", Field.PromptTokens), new("completion_tokens", Field.CompletionTokens),
        new("input_tokens", Field.InputTokens), new("output_tokens", Field.OutputTokens),
        new("total_tokens", Field.TotalTokens),
        new("cache_read_input_tokens", Field.CacheReadTokens),
        new("cache_creation_input_tokens", Field.CacheWriteTokens),
        new("prompt_tokens_details", Field.Object, Level.PromptDetails),
        new("input_tokens_details", Field.Object, Level.PromptDetails),
        new("completion_tokens_details", Field.Object, Level.CompletionDetails),
        new("output_tokens_details", Field.Object, Level.CompletionDetails),
    ];

    private static readonly PayloadField[] PromptDetails =
        [new("cached_tokens", Field.CacheReadTokens), new("cache_creation_tokens", Field.CacheWriteTokens)];

    private static readonly PayloadField[] CompletionDetails = [new("reasoning_tokens", Field.ReasoningTokens)];

    /// <summary>Returns the field of that name in an object of that level; null if the field is not wanted.</summary>
    public static PayloadField? Find(Level level, ReadOnlySpan<byte> name)
    {
        foreach (var field in FieldsOf(level))
            if (field.Is(name))
                return field;
        return null;
    }

    /// <summary>Whether the scanner copies single fields of such an object. A usage object is copied whole.</summary>
    public static bool ArePicked(Level level) =>
        level is Level.Payload or Level.Metadata or Level.HiddenParams or Level.CostBreakdown or Level.ModelParameters
            or Level.Response or Level.Page;

    /// <summary>The field's path as shown to people, such as metadata.user_api_key_hash.</summary>
    public static string PathOf(Level level, PayloadField field) => level switch
    {
        Level.Metadata => $"metadata.{field.Name}",
        Level.HiddenParams => $"hidden_params.{field.Name}",
        Level.CostBreakdown => $"cost_breakdown.{field.Name}",
        Level.ModelParameters => $"model_parameters.{field.Name}",
        Level.Usage or Level.PromptDetails or Level.CompletionDetails => $"usage.{field.Name}",
        _ => field.Name,
    };

    private static PayloadField[] FieldsOf(Level level) => level switch
    {
        Level.Payload => Payload,
        Level.Metadata => Metadata,
        Level.HiddenParams => HiddenParams,
        Level.CostBreakdown => CostBreakdown,
        Level.Usage => Usage,
        Level.PromptDetails => PromptDetails,
        Level.CompletionDetails => CompletionDetails,
        Level.ModelParameters => ModelParameters,
        Level.Response => Response,
        Level.Page => Page,
        _ => [],
    };
}
