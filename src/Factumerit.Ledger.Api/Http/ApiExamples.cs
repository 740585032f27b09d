namespace Factumerit.Ledger.Api.Http;

/// <summary>The examples on the API page, by verb and path.</summary>
internal static class ApiExamples
{
    public const string IdempotencyKey =
        "Identifies this request, 1 to 255 characters. "
        + "Repeating it with the same body returns the first answer and moves nothing.";

    public const string UsageIdempotencyKey = "Used as request_id if the body has none, 1 to 255 characters.";

    public static readonly Dictionary<string, string> QueryParameters = new()
    {
        ["prefix"] = "Only items whose id or name begins with this.",
        ["limit"] =
            "The maximum number of items, 1 to 1000; default: 50 entries or usages, 20 transactions, otherwise 100.",
        ["action"] = "Only changes with this action.",
        ["after"] = "The next_after of the previous page.",
        ["before"] = "The next_before of the previous page.",
        ["full"] = "true reads all entries, from the first.",
        ["type"] = "user, asset, expense or equity.",
        ["state"] = "Only standing or only resolved faults.",
        ["GET /holds?state"] = "Only holds in this state: open, settled, released or expired.",
        ["user_id"] = "Only items of this user.",
        ["provider"] = "Only items of this provider, under any of its names.",
        ["at"] = "As of this time; default: now.",
        ["from"] = "Only calls at this time or later.",
        ["to"] = "Only calls before this time.",
        ["group_by"] = "user, model, provider or day; default: model.",
        ["dry_run"] = "true reports what would change, and imports nothing.",
        ["allow_gone"] = "true allows the import to end more than a tenth of the models that have a price.",
        ["billing_status"] = "Only usages with this status: billed, needs_review or waived.",
        ["model"] = "Only usages of this model, named as it was reported.",
        ["valid_from"] =
            "The time from which the prices apply; "
            + "default: now for changed prices, the beginning for the first price of a model.",
    };

    public static readonly Dictionary<string, string[]> QueryWords = new()
    {
        ["action"] = [.. AuditActions.All],
        ["billing_status"] = ["billed", "needs_review", "waived"],
        ["group_by"] = ["user", "model", "provider", "day"],
        ["money"] = ["string", "number"],
        ["state"] = ["standing", "resolved"],
        ["GET /holds?state"] = Hold.States,
        ["type"] = ["user", "asset", "expense", "equity"],
        ["full"] = ["true", "false"],
        ["dry_run"] = ["true", "false"],
        ["allow_gone"] = ["true", "false"],
    };

    public static readonly Dictionary<Type, string[]> RequiredFields = new()
    {
        [typeof(SignupRequest)] = ["user_id"],
        [typeof(UsageRequest)] = ["user_id"],
        [typeof(HoldRequest)] = ["user_id"],
        [typeof(GrantRequest)] = ["user_id", "amount_cents"],
        [typeof(PurchaseRequest)] = ["credits_cents"],
        [typeof(ReconcileRequest)] = ["from", "to"],
        [typeof(VirtualKeyRequest)] = ["user_id", "label"],
        [typeof(WaiveRequest)] = ["reason"],
        [typeof(ResolveRequest)] = ["reason"],
        [typeof(ApiKeyRequest)] = ["name", "role"],
    };

    private const string Budget = """
        {"user_id":"vikunja:alice","balance_cents":94.9835,"held_cents":0,"available_cents":94.9835,
        "total_spent_cents":5.0165,"total_added_cents":100,"has_credit":true,"promo_expires_at":null,
        "signed_up_at":"2026-01-31T12:00:00Z",
        "created_at":"2026-01-31T12:00:00Z","updated_at":"2026-01-31T12:05:00Z","deleted_at":null}
        """;

    private const string Headroom = """
        {"asset_cents":2500,"liability_cents":594.9835,"available_cents":1905.0165,"providers":[{"provider":"anthropic",
        "balance_cents":2500}]}
        """;

    private const string UsageExample = """
        {"user_id":"vikunja:alice","request_id":"chatcmpl-8f2c","model":"claude-sonnet-4","provider":"anthropic",
        "provider_cost_usd":0.000165,"prompt_tokens":35,"completion_tokens":4,"description":"Summary of task 17"}
        """;

    private const string Usage = """
        {"usage_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b","request_id":"chatcmpl-8f2c","user_id":"vikunja:alice",
        "amount_cents":0.0165,"billing_status":"billed","review_reason":null,
        "transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5a","balance_cents":94.9835,"model":"claude-sonnet-4",
        "provider":"anthropic","provider_cost_usd":0.000165,"markup_factor":1,"price_version":null,
        "occurred_at":"2026-01-31T12:05:00Z","created_at":"2026-01-31T12:05:00Z"}
        """;

    private const string UsageInFull = """
        {"usage_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b","request_id":"chatcmpl-8f2c","user_id":"vikunja:alice",
        "amount_cents":0.0165,"billing_status":"billed","review_reason":null,
        "transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5a","balance_cents":94.9835,"model":"claude-sonnet-4",
        "provider":"anthropic","provider_cost_usd":0.000165,"markup_factor":1,"price_version":null,
        "occurred_at":"2026-01-31T12:05:00Z","created_at":"2026-01-31T12:05:00Z","prompt_tokens":35,
        "completion_tokens":4,"cache_read_tokens":null,"cache_write_tokens":null,"reasoning_tokens":null,"usage":null,
        "description":"Summary of task 17","reference_id":null,"metadata":null,"source_system":"api","external_id":null,
        "virtual_key_id":null,"reviewed_by":null,"reviewed_at":null,"review_note":null,"filled_at":null,
        "payer_hint":null,"posted_by":{"api_key_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c","name":"vikunja bot"},
        "reviewer":null,"hold_id":null}
        """;

    private static string HoldExample(string state, string held, string available, string closedAt) => $$"""
        {"hold_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a62","user_id":"vikunja:alice","state":"{{state}}",
        "requested_cents":20,"held_cents":{{held}},"settled_cents":0,"is_partial":false,"balance_cents":94.9835,
        "available_cents":{{available}},"model":null,"external_id":"agent-run-17","expires_at":"2026-01-31T12:15:00Z",
        "created_at":"2026-01-31T12:05:00Z","closed_at":{{closedAt}}}
        """;

    private static readonly string OpenHold = HoldExample("open", "20", "74.9835", "null");

    private const string Entry = """
        {"id":3,"transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5a","account":"user:vikunja:alice",
        "debit_cents":0.0165,"credit_cents":0,"description":"Summary of task 17","reference_type":"llm_call",
        "reference_id":"chatcmpl-8f2c","created_at":"2026-01-31T12:05:00Z",
        "posted_by":{"api_key_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c","name":"vikunja bot"}}
        """;

    private const string Price = """
        {"model":"claude-sonnet-4-20250514","provider":"anthropic","input_usd_per_token":0.000003,
        "output_usd_per_token":0.000015,"cache_read_usd_per_token":0.0000003,"cache_write_usd_per_token":0.00000375,
        "reasoning_usd_per_token":null,"mode":"chat",
        "other_prices":{"cache_creation_input_token_cost_above_1hr":0.000006},"valid_from":null,"version":1,
        "is_gone":false}
        """;

    private const string Fault = """
        {"fault_id":1,"kind":"budget-mismatch","id":"vikunja:alice",
        "detail":"R3: the budget is 95, the ledger says 94.9835","found_at":"2026-01-31T12:00:00Z",
        "last_seen_at":"2026-01-31T12:00:00Z","resolved_at":"2026-01-31T12:10:00Z","resolved_by":"root",
        "reason":"Balance set back to what the ledger says, see ticket 1042"}
        """;

    private const string VirtualKey = """
        {"virtual_key_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a61","user_id":"vikunja:alice","label":"Alice's editor",
        "alias":"factumerit-019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a61","key_name":"sk-...9xQw",
        "models":["claude-sonnet-4-20250514"],"max_budget_usd":25,"expires_at":"2035-12-31T00:00:00Z","status":"active",
        "is_blocked":false,"created_at":"2026-01-31T12:00:00Z","revoked_at":null,"last_error":null,"pending":null}
        """;

    private static string Margin(string group) => $$"""
        {"group":{{group}},"calls":2,"prompt_tokens":70,"completion_tokens":8,"cache_read_tokens":0,
        "cache_write_tokens":0,"reasoning_tokens":0,"provider_cost_usd":0.000165,"unknown_cost_calls":1,
        "user_price_cents":0.018975,"margin_cents":0.002475,"waiting":1,"waived":0}
        """;

    private const string Key = """
        {"id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c","name":"vikunja bot","role":"bot","user_prefix":"vikunja:",
        "may_overdraw":false,"may_intake":false,"key_prefix":"fa_bot_1f9a2c3d","created_at":"2026-01-31T12:00:00Z",
        "made_by":{"api_key_id":null,"name":"bootstrap"},"last_used_at":"2026-01-31T12:05:00Z","expires_at":null,
        "old_secret_ends_at":null,"revoked_at":null}
        """;

    public static readonly Dictionary<string, string> RequestBodies = new()
    {
        ["POST /users"] = """{"user_id":"vikunja:alice","initial_credit_cents":100,"promo_ttl_days":30}""",
        ["POST /usage"] = UsageExample,
        ["POST /usage/batch"] = $"[{UsageExample}]",
        ["POST /holds"] = """{"user_id":"vikunja:alice","amount_cents":20,"external_id":"agent-run-17"}""",
        ["POST /holds/{id}/increase"] = """{"amount_cents":5,"expires_in_seconds":600}""",
        ["POST /holds/{id}/release"] = """{"reason":"The run was cancelled"}""",
        ["POST /intake/litellm"] = """
            [{"id":"chatcmpl-9a3d","litellm_call_id":"6f8d0f35-1b1a-4c39-9d7e-0a4b5c6d7e8f","status":"success",
            "response_cost":0.000165,"custom_llm_provider":"anthropic","model":"claude-sonnet-4-20250514",
            "prompt_tokens":35,"completion_tokens":4,"startTime":1769860800.25,"endTime":1769860801.5,
            "metadata":{"user_api_key_hash":"88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
            "user_api_key_user_id":"vikunja:bob"}},null]
            """,
        ["POST /intake/litellm/reconcile"] = """{"from":"2026-01-31T00:00:00Z","to":"2026-02-01T00:00:00Z"}""",
        ["POST /usage/{usage_id}/bill"] = """{"amount_cents":0.0165}""",
        ["POST /usage/{usage_id}/waive"] = """{"reason":"A test call of our own"}""",
        ["POST /usage/reprice"] = """{"model":"claude-sonnet-4-20250514"}""",
        ["POST /prices/import"] = """
            {"claude-sonnet-4-20250514":{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":3e-06,
            "output_cost_per_token":1.5e-05,"cache_creation_input_token_cost":3.75e-06,
            "cache_creation_input_token_cost_above_1hr":6e-06,"cache_read_input_token_cost":3e-07}}
            """,
        ["POST /grants"] = """
            {"user_id":"vikunja:alice","amount_cents":500,"reason":"Top-up, order 1042","create_user":false}
            """,
        ["POST /purchases"] = """
            {"credits_cents":2500,"sales_tax_cents":259,"provider":"anthropic","invoice":"INV-2026-001"}
            """,
        ["POST /write-downs"] = """
            {"actual_balance_cents":2495,"provider":"anthropic","reason":"Console balance at month end"}
            """,
        ["POST /ledger/faults/{id}/resolve"] = """
            {"reason":"Balance set back to what the ledger says, see ticket 1042"}
            """,
        ["POST /virtual-keys"] = """
            {"user_id":"vikunja:alice","label":"Alice's editor","models":["claude-sonnet-4-20250514"],
            "max_budget_usd":25,"expires_at":"2035-12-31T00:00:00Z"}
            """,
        ["POST /api-keys"] = """{"name":"vikunja bot","role":"bot","user_prefix":"vikunja:"}""",
        ["POST /api-keys/{id}/rotate"] = """{"overlap_seconds":3600}""",
    };

    public static readonly Dictionary<string, string> ResponseBodies = new()
    {
        ["POST /users"] = Budget,
        ["GET /users"] = $$"""{"users":[{{Budget}}],"next_after":null}""",
        ["GET /users/{user_id}"] = Budget,
        ["GET /users/{user_id}/entries"] = $$"""{"entries":[{{Entry}}],"next_before":null}""",
        ["GET /users/{user_id}/transactions"] = """
            {"transactions":[{"id":2,"user_id":"vikunja:alice","amount_cents":-0.0165,"balance_after":94.9835,
            "transaction_type":"llm_call","description":"Summary of task 17","created_at":"2026-01-31T12:05:00Z"}],
            "next_before":null}
            """,
        ["DELETE /users/{user_id}"] = """
            {"user_id":"vikunja:alice","forfeited_cents":94.9835,"written_off_cents":0,
            "transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5d"}
            """,
        ["POST /usage"] = Usage,
        ["POST /usage/batch"] = $$"""{"results":[{"status":201,"usage":{{Usage}}}]}""",
        ["GET /usage/{usage_id}"] = UsageInFull,
        ["POST /holds"] = OpenHold,
        ["GET /holds"] = $$"""{"holds":[{{OpenHold}}],"next_after":null}""",
        ["GET /holds/{id}"] = OpenHold,
        ["POST /holds/{id}/increase"] = OpenHold,
        ["POST /holds/{id}/release"] = HoldExample("released", "0", "94.9835", "\"2026-01-31T12:06:00Z\""),
        ["POST /intake/litellm"] = """
            {"accepted":1,"replayed":0,"needs_review":0,"skipped":1,"failed":[],"failed_count":0}
            """,
        ["POST /intake/litellm/reconcile"] = """
            {"matched":1289,"added":3,"needs_review":0,"skipped":12,"failed":[],"failed_count":0,"differing":[],
            "differing_count":0}
            """,
        ["GET /usage"] = $$"""{"usages":[{{UsageInFull}}],"next_before":null}""",
        ["POST /usage/{usage_id}/bill"] = UsageInFull,
        ["POST /usage/{usage_id}/waive"] = UsageInFull,
        ["POST /usage/reprice"] = """{"billed":12,"waiting":1,"amount_cents":3.0165}""",
        ["POST /prices/import"] = """
            {"version":1,"valid_from":"2026-01-31T12:00:00Z","added":1,"changed":0,"gone":0,"unchanged":0,"skipped":0,
            "changes":[{"model":"claude-sonnet-4-20250514","change":"added","valid_from":null,"old":null,
            "new":{"provider":"anthropic","input_usd_per_token":0.000003,"output_usd_per_token":0.000015,
            "cache_read_usd_per_token":0.0000003,"cache_write_usd_per_token":0.00000375,"reasoning_usd_per_token":null,
            "mode":"chat","other_prices":{"cache_creation_input_token_cost_above_1hr":0.000006}}}],
            "has_more_changes":false}
            """,
        ["GET /prices"] = $$"""{"prices":[{{Price}}],"next_after":null}""",
        ["GET /prices/{model}"] = $$"""{"model":"claude-sonnet-4-20250514","prices":[{{Price}}]}""",
        ["POST /grants"] = $$"""
            {"transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5e","budget":{{Budget}},"user_created":false}
            """,
        ["POST /purchases"] = $$"""
            {"transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5f","total_cents":2759,"headroom":{{Headroom}}}
            """,
        ["POST /write-downs"] = $$"""
            {"transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a60","amount_cents":5,"headroom":{{Headroom}}}
            """,
        ["GET /ledger/balances"] = """
            {"accounts":[{"account":"asset:anthropic","type":"asset","balance_cents":2500,"total_debits":0,
            "total_credits":2500,"entry_count":1}],"next_after":null}
            """,
        ["GET /ledger/transactions/{id}"] = $$"""
            {"transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5a","description":"Summary of task 17",
            "reference_type":"llm_call","reference_id":"chatcmpl-8f2c","created_at":"2026-01-31T12:05:00Z",
            "posted_by":{"api_key_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c","name":"vikunja bot"},
            "entries":[{{Entry}}]}
            """,
        ["GET /ledger/integrity"] = """
            {"is_balanced":true,"total_debits":2864.0165,"total_credits":2864.0165,"imbalance":0,"entry_count":7,
            "transaction_count":3,"faults":[],"fully_checked_at":"2026-01-31T12:00:00Z"}
            """,
        ["GET /ledger/faults"] = $$"""{"faults":[{{Fault}}],"next_before":null}""",
        ["POST /ledger/faults/{id}/resolve"] = Fault,
        ["DELETE /prices/versions/{version}"] = """
            {"version":7,"valid_from":"2026-02-01T00:00:00Z","cancelled_at":"2026-01-31T12:00:00Z",
            "cancelled_by":"root"}
            """,
        ["GET /ledger/summary"] = """
            {"types":[{"type":"user","accounts":1,"debits":5.0165,"credits":100,"net":94.9835,"entries":3}],
            "review":{"waiting":1,"oldest_at":"2026-01-31T12:05:00Z","oldest_age_seconds":3600}}
            """,
        ["GET /ledger/headroom"] = Headroom,
        ["POST /virtual-keys"] = VirtualKey.Trim()[..^1] + ""","secret":"sk-(as LiteLLM made it)"}""",
        ["GET /virtual-keys"] = $$"""{"virtual_keys":[{{VirtualKey}}],"next_after":null}""",
        ["DELETE /virtual-keys/{id}"] = VirtualKey,
        ["GET /reports/margin"] = $$"""
            {"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z","group_by":"model",
            "groups":[{{Margin("\"claude-sonnet-4\"")}}],"total":{{Margin("null")}},"next_after":null}
            """,
        ["POST /api-keys"] = Key.Trim()[..^1] + ""","secret":"fa_bot_1f9a2c3d_(64 hexadecimal digits)"}""",
        ["POST /api-keys/{id}/rotate"] = Key.Trim()[..^1] + ""","secret":"fa_bot_7c02b91e_(64 hexadecimal digits)"}""",
        ["GET /audit-log"] = """
            {"changes":[{"id":7,"at":"2026-01-31T12:00:00Z","by":{"api_key_id":null,"name":"bootstrap"},
            "action":"api_key.rotated","subject":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c",
            "detail":{"old_secret_ends_at":"2026-02-01T12:00:00Z"}}],"next_before":null}
            """,
        ["GET /api-keys"] = $$"""{"api_keys":[{{Key}}]}""",
        ["DELETE /api-keys/{id}"] = Key,
        ["GET /problems/{code}"] = """
            {"code":"user-deleted","status":410,"title":"The user was deleted",
            "what_to_do":"Stop sending for this user; the budget stays closed."}
            """,
        ["GET /health/live"] = """{"status":"healthy","checks":{}}""",
        ["GET /health/ready"] = """{"status":"healthy","checks":{"database":"healthy","books":"healthy"}}""",
    };
}
