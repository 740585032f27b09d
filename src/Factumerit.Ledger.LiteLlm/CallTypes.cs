using System.Collections.Frozen;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>Classifies LiteLLM's call types for billing.</summary>
internal static class CallTypes
{
    // These calls manage objects at the provider and generate nothing. Each name may begin with an additional `a`, for
    // async.
    private static readonly FrozenSet<string> Controls = ((string[])
    [
        "create_file", "file_retrieve", "retrieve_file", "file_delete", "delete_file", "file_list", "list_files",
        "file_content",
        "get_responses", "delete_responses", "cancel_responses", "list_input_items",
        "create_fine_tuning_job", "cancel_fine_tuning_job", "list_fine_tuning_jobs", "retrieve_fine_tuning_job",
        "get_assistants", "create_assistants", "delete_assistant", "create_thread", "get_thread",
        "_add_message", "add_message", "get_messages",
        "video_retrieve", "video_retrieve_job", "video_status", "video_content", "video_list", "video_delete",
        "video_get_character",
        "vector_store_create", "vector_store_retrieve", "vector_store_list", "vector_store_update",
        "vector_store_delete",
        "vector_store_file_create", "vector_store_file_list", "vector_store_file_retrieve", "vector_store_file_content",
        "vector_store_file_update", "vector_store_file_delete",
        "create_container", "list_containers", "retrieve_container", "delete_container", "list_container_files",
        "upload_container_file",
        "list_mcp_tools", "create_skill", "list_skills", "get_skill", "delete_skill", "create_realtime_client_secret",
    ]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Batches = ((string[])
    [
        "create_batch", "retrieve_batch", "cancel_batch", "list_batches", "list_batch",
    ]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the call creates, lists, reads, cancels or deletes an object and calls no model.</summary>
    public static bool IsControl(string? callType) => IsIn(Controls, callType);

    /// <summary>
    /// Whether the call concerns a batch. A batch's cost is known once the batch is finished and read.
    /// </summary>
    public static bool IsBatch(string? callType) => IsIn(Batches, callType);

    /// <summary>Whether the call is a control call or concerns a batch.</summary>
    public static bool IsManaging(string? callType) => IsControl(callType) || IsBatch(callType);

    private static bool IsIn(FrozenSet<string> names, string? callType) =>
        callType is not null
        && (names.Contains(callType) || (callType is ['a' or 'A', .. var name] && names.Contains(name)));
}
