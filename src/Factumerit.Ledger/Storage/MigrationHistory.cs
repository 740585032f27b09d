using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Migrations.Internal;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// The table of applied migrations. It is found along the search path, like the ledger's own tables. By default the
/// provider looks only in the schema public, and would apply every migration again if the ledger is in another schema.
/// </summary>
#pragma warning disable EF1001 // No public API lets the search path decide where the table is.
internal sealed class MigrationHistory(HistoryRepositoryDependencies dependencies)
    : NpgsqlHistoryRepository(dependencies)
{
    public const string Table = "__EFMigrationsHistory";

    protected override string ExistsSql => $"SELECT to_regclass('\"{Table}\"') IS NOT NULL";
}
#pragma warning restore EF1001
