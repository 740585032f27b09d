using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
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

    // EF Core's own names, which the naming convention would change: databases have the table already.
    protected override void ConfigureTable(EntityTypeBuilder<HistoryRow> history)
    {
        base.ConfigureTable(history);
        history.HasKey(h => h.MigrationId).HasName($"PK_{Table}");
        history.Property(h => h.MigrationId).HasColumnName(nameof(HistoryRow.MigrationId));
        history.Property(h => h.ProductVersion).HasColumnName(nameof(HistoryRow.ProductVersion));
    }
}
#pragma warning restore EF1001
