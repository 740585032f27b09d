using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>The schema is written in SQL and again as an EF Core model. Compares the two column by column.</summary>
public sealed class ModelDriftTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly StoreObjectType[] Kinds = [StoreObjectType.Table, StoreObjectType.View];

    public static TheoryData<string> Relations
    {
        get
        {
            using var context = new LedgerDatabase("Host=nowhere").CreateContext();
            return [.. context.Model.GetEntityTypes().Select(e => e.GetTableName() ?? e.GetViewName()!)];
        }
    }

    [Fact]
    public async Task The_snapshot_of_the_model_is_the_model()
    {
        await using var context = database.Ledger.CreateContext();
        context.Database.HasPendingModelChanges().ShouldBeFalse();
    }

    [Theory]
    [MemberData(nameof(Relations))]
    public async Task Names_types_precision_and_nullability_agree(string relation)
    {
        await using var context = database.Ledger.CreateContext();
        var entity = Find(context, relation);
        var isView = entity.GetViewName() is not null;
        var stored = (await database.RowsAsync($"""
            SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull,
                attcollation = 'pg_catalog."C"'::regcollation
            FROM pg_attribute WHERE attrelid = '{relation}'::regclass AND attnum > 0 AND NOT attisdropped
            """)).Select(row => row.Split('|')).ToDictionary(row => row[0]);

        entity.GetProperties().Select(p => Column(p, entity)).ShouldBe(stored.Keys, ignoreOrder: true);
        foreach (var property in entity.GetProperties())
        {
            var row = stored[Column(property, entity)];
            // A view's columns have no precision of their own, are nullable by nature, and inherit their collation.
            row[1].ShouldBe(
                isView ? property.GetColumnType().Split('(')[0] : property.GetColumnType(), $"{relation}.{row[0]}");
            if (!isView)
            {
                bool.Parse(row[2]).ShouldBe(property.IsNullable, $"{relation}.{row[0]} is nullable");
                bool.Parse(row[3]).ShouldBe(property.GetCollation() == "C", $"{relation}.{row[0]} has the collation C");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Relations))]
    public async Task Keys_and_unique_indexes_agree(string relation)
    {
        await using var context = database.Ledger.CreateContext();
        var entity = Find(context, relation);
        var described = entity.GetKeys().Select(k => (Name: k.GetName()!, k.Properties))
            .Concat(entity.GetIndexes().Where(i => i.IsUnique).Select(i => (Name: i.GetDatabaseName()!, i.Properties)))
            .Select(k => $"{k.Name}|{string.Join(",", k.Properties.Select(p => Column(p, entity)))}");
        var stored = await database.RowsAsync($"""
            SELECT i.relname, string_agg(a.attname, ',' ORDER BY k.ord)
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
            CROSS JOIN LATERAL unnest(x.indkey::int[]) WITH ORDINALITY AS k (attnum, ord)
            JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
            WHERE x.indrelid = '{relation}'::regclass AND x.indisunique GROUP BY i.relname
            """);
        described.ShouldBe(stored, ignoreOrder: true);
    }

    [Theory]
    [MemberData(nameof(Relations))]
    public async Task Everything_that_is_described_can_be_read(string relation)
    {
        await using var context = database.Ledger.CreateContext();
        var columns = Find(context, relation).GetProperties().Select(p => Column(p, p.DeclaringType));
        await database.RowsAsync($"SELECT {string.Join(", ", columns)} FROM {relation}").ShouldNotThrowAsync();
    }

    private static IEntityType Find(LedgerDbContext context, string relation) =>
        context.GetService<IDesignTimeModel>().Model.GetEntityTypes()
            .Single(e => (e.GetTableName() ?? e.GetViewName()) == relation);

    private static string Column(IReadOnlyProperty property, IReadOnlyTypeBase type) =>
        Kinds.Select(kind => StoreObjectIdentifier.Create(type, kind)).OfType<StoreObjectIdentifier>()
            .Select(store => property.GetColumnName(store)).OfType<string>().First();
}
