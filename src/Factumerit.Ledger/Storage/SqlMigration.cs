using Microsoft.EntityFrameworkCore.Migrations;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// A migration whose SQL is in the embedded file of the same name. Forward only: an applied script is never edited, and
/// the only way back is a backup.
/// </summary>
public abstract class SqlMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(ReadScript());

    private string ReadScript()
    {
        var assembly = GetType().Assembly;
        var name = assembly.GetManifestResourceNames()
            .Single(n => n.EndsWith($"_{GetType().Name}.sql", StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
