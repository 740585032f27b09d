using Microsoft.EntityFrameworkCore.Migrations;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// A migration whose SQL stands in the embedded file of the same name. Forward only: an applied script is never edited, and there is no way
/// down but a backup.
/// </summary>
public abstract class SqlMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(ReadScript());

    private string ReadScript()
    {
        var assembly = GetType().Assembly;
        var name = assembly.GetManifestResourceNames().Single(n => n.EndsWith($"_{GetType().Name}.sql", StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
