using System.Collections.Frozen;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>What LiteLLM's call types mean for a bill.</summary>
internal static class CallTypes
{
    // What these do is to keep objects at the provider: they generate nothing. Each may be named with an a before it,
    // for async.
    private static readonly FrozenSet<string> Controls = ((string[])
    [
        "create_file", "file_retrieve", "retrieve_file", "file_delete", "delete_file", "file_list", "list_files", "file_content",
        "get_responses", "delete_responses", "cancel_responses", "list_input_items",
        "create_fine_tuning_job", "cancel_fine_tuning_job", "list_fine_tuning_jobs", "retrieve_fine_tuning_job",
        "get_assistants", "create_assistants", "delete_assistant", "create_thread", "get_thread", "_add_message", "add_message", "get_messages",
        "video_retrieve", "video_retrieve_job", "video_status", "video_content", "video_list", "video_delete", "video_get_character",
        "vector_store_create", "vector_store_retrieve", "vector_store_list", "vector_store_update", "vector_store_delete",
        "vector_store_file_create", "vector_store_file_list", "vector_store_file_retrieve", "vector_store_file_content",
        "vector_store_file_update", "vector_store_file_delete",
        "create_container", "list_containers", "retrieve_container", "delete_container", "list_container_files", "upload_container_file",
        "list_mcp_tools", "create_skill", "list_skills", "get_skill", "delete_skill", "create_realtime_client_secret",
    ]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Batches = ((string[])
    [
        "create_batch", "retrieve_batch", "cancel_batch", "list_batches", "list_batch",
    ]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether it creates, lists, reads, cancels or deletes an object, and makes no call to a model.</summary>
    public static bool IsControl(string? callType) => IsIn(Controls, callType);

    /// <summary>Whether it concerns a batch, whose cost is known once the batch is finished and read.</summary>
    public static bool IsBatch(string? callType) => IsIn(Batches, callType);

    /// <summary>Whether it is one of these two.</summary>
    public static bool IsManaging(string? callType) => IsControl(callType) || IsBatch(callType);

    private static bool IsIn(FrozenSet<string> names, string? callType) =>
        callType is not null && (names.Contains(callType) || (callType is ['a' or 'A', .. var name] && names.Contains(name)));
}
