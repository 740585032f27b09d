namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// The operation id of each route, from which generated clients name their methods. It stays when a summary is
/// reworded.
/// </summary>
internal static class OperationIds
{
    public static readonly Dictionary<string, string> ByRoute = new()
    {
        ["POST /users"] = "signUpUser",
        ["GET /users"] = "listUsers",
        ["GET /users/{user_id}"] = "getUser",
        ["DELETE /users/{user_id}"] = "deleteUser",
        ["GET /users/{user_id}/entries"] = "listUserEntries",
        ["GET /users/{user_id}/transactions"] = "listUserTransactions",
        ["POST /usage"] = "recordUsage",
        ["GET /usage"] = "listUsage",
        ["POST /usage/batch"] = "recordUsageBatch",
        ["POST /usage/reprice"] = "repriceUsage",
        ["GET /usage/{usage_id}"] = "getUsage",
        ["POST /usage/{usage_id}/bill"] = "billUsage",
        ["POST /usage/{usage_id}/waive"] = "waiveUsage",
        ["POST /holds"] = "placeHold",
        ["GET /holds"] = "listHolds",
        ["GET /holds/{id}"] = "getHold",
        ["POST /holds/{id}/increase"] = "increaseHold",
        ["POST /holds/{id}/release"] = "releaseHold",
        ["POST /intake/litellm"] = "takeInLiteLlmCalls",
        ["POST /intake/litellm/reconcile"] = "reconcileLiteLlm",
        ["GET /prices"] = "listPrices",
        ["POST /prices/import"] = "importPrices",
        ["DELETE /prices/versions/{version}"] = "cancelPriceVersion",
        ["GET /prices/{model}"] = "getModelPrices",
        ["POST /grants"] = "grantCredit",
        ["POST /purchases"] = "bookPurchase",
        ["POST /write-downs"] = "bookWriteDown",
        ["GET /ledger/balances"] = "listBalances",
        ["GET /ledger/faults"] = "listFaults",
        ["POST /ledger/faults/{id}/resolve"] = "resolveFault",
        ["GET /ledger/headroom"] = "getHeadroom",
        ["GET /ledger/integrity"] = "checkIntegrity",
        ["GET /ledger/summary"] = "getLedgerSummary",
        ["GET /ledger/transactions/{id}"] = "getTransaction",
        ["GET /reports/margin"] = "getMarginReport",
        ["POST /virtual-keys"] = "createVirtualKey",
        ["GET /virtual-keys"] = "listVirtualKeys",
        ["DELETE /virtual-keys/{id}"] = "revokeVirtualKey",
        ["POST /api-keys"] = "createApiKey",
        ["GET /api-keys"] = "listApiKeys",
        ["DELETE /api-keys/{id}"] = "revokeApiKey",
        ["POST /api-keys/{id}/rotate"] = "rotateApiKey",
        ["GET /audit-log"] = "listAuditLog",
        ["GET /problems/{code}"] = "getProblem",
        ["GET /health/live"] = "getLiveness",
        ["GET /health/ready"] = "getReadiness",
    };
}
