using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Migrations.Internal;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// The table of applied migrations, found along the search path as the ledger's own tables are. The provider looks for
/// it in the schema public only, and would apply every migration again where the ledger is kept in another one.
/// </summary>
#pragma warning disable EF1001 // No public way lets the search path decide where the table is.
internal sealed class MigrationHistory(HistoryRepositoryDependencies dependencies)
    : NpgsqlHistoryRepository(dependencies)
{
    public const string Table = "__EFMigrationsHistory";

    protected override string ExistsSql => $"SELECT to_regclass('\"{Table}\"') IS NOT NULL";
}
#pragma warning restore EF1001
