using System.Reflection;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;
using NpgsqlTypes;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// A column of a row class: sends the values of many rows as one array, and reads the value of one row.
/// </summary>
internal abstract class RowColumn<TRow>
{
    private static readonly MethodInfo OfType =
        typeof(RowColumn<TRow>).GetMethod(nameof(OfTyped), BindingFlags.NonPublic | BindingFlags.Static)!;

    public required string Name { get; init; }

    /// <summary>The property's name; empty for a value that is sent beside the columns.</summary>
    public string Property { get; init; } = "";

    /// <summary>Whether the database numbers the rows.</summary>
    public bool IsIdentity { get; init; }

    /// <summary>Whether all rows of a commit have the same value, which is sent once: its time (R13).</summary>
    public bool IsShared => Property == nameof(EntryRow.CreatedAt);

    /// <summary>Converts the sent value to the column's type, where that is not its own.</summary>
    public string Cast { get; init; } = "";

    public static RowColumn<TRow> Of(IProperty property, in StoreObjectIdentifier store)
    {
        var name = property.GetColumnName(store)!;
        // unnest would take an array of arrays apart, so each array is sent as its text.
        return property.ClrType == typeof(string[])
            ? new ArrayColumn<TRow>(property.PropertyInfo!)
            {
                Name = name,
                Property = property.Name,
                Cast = $"::{property.GetColumnType()}",
            }
            : (RowColumn<TRow>)OfType.MakeGenericMethod(property.ClrType).Invoke(null, [property, name])!;
    }

    /// <summary>The values of all rows as one array, or the value that they share.</summary>
    public abstract NpgsqlParameter Parameter(IReadOnlyCollection<TRow> rows);

    public abstract void Read(NpgsqlDataReader reader, int ordinal, TRow row);

    private static RowColumn<TRow, TValue> OfTyped<TValue>(IProperty property, string name) => new(
        name,
        property.PropertyInfo!.GetMethod!.CreateDelegate<Func<TRow, TValue>>(),
        property.PropertyInfo.SetMethod?.CreateDelegate<Action<TRow, TValue>>())
    {
        Property = property.Name,
        IsIdentity = property.GetValueGenerationStrategy() != NpgsqlValueGenerationStrategy.None,
        ArrayType = property.GetColumnType() switch
        {
            "json" => NpgsqlDbType.Array | NpgsqlDbType.Json,
            "jsonb" => NpgsqlDbType.Array | NpgsqlDbType.Jsonb,
            _ => null,
        },
    };
}

/// <summary>A column with one value per row.</summary>
internal sealed class RowColumn<TRow, TValue> : RowColumn<TRow>
{
    private readonly Func<TRow, TValue> _get;
    private readonly Action<TRow, TValue>? _set;

    [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
    public RowColumn(string name, Func<TRow, TValue> get, Action<TRow, TValue>? set = null) =>
        (Name, _get, _set) = (name, get, set);

    /// <summary>The type of the array, where the values' own type does not say it.</summary>
    public NpgsqlDbType? ArrayType { get; init; }

    public override NpgsqlParameter Parameter(IReadOnlyCollection<TRow> rows)
    {
        var values = new TValue[rows.Count];
        var next = 0;
        foreach (var row in rows)
            values[next++] = _get(row);
        if (IsShared)
            return Array.TrueForAll(values, value => EqualityComparer<TValue>.Default.Equals(value, values[0]))
                ? new NpgsqlParameter<TValue> { TypedValue = values[0] }
                : throw new InvalidOperationException($"The rows of a commit differ in {Name}.");
        var parameter = new NpgsqlParameter<TValue[]> { TypedValue = values };
        if (ArrayType is { } type)
            parameter.NpgsqlDbType = type;
        return parameter;
    }

    public override void Read(NpgsqlDataReader reader, int ordinal, TRow row)
    {
        if (!reader.IsDBNull(ordinal))
            _set!(row, reader.GetFieldValue<TValue>(ordinal));
    }
}

/// <summary>A column with an array of texts per row.</summary>
internal sealed class ArrayColumn<TRow>(PropertyInfo property) : RowColumn<TRow>
{
    private readonly Func<TRow, string[]?> _get = property.GetMethod!.CreateDelegate<Func<TRow, string[]?>>();
    private readonly Action<TRow, string[]?> _set = property.SetMethod!.CreateDelegate<Action<TRow, string[]?>>();

    public override NpgsqlParameter Parameter(IReadOnlyCollection<TRow> rows) =>
        new NpgsqlParameter<string?[]> { TypedValue = [.. rows.Select(row => Literal(_get(row)))] };

    public override void Read(NpgsqlDataReader reader, int ordinal, TRow row)
    {
        if (!reader.IsDBNull(ordinal))
            _set(row, reader.GetFieldValue<string[]>(ordinal));
    }

    // The text format of arrays: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    private static string? Literal(string[]? texts) => texts is null
        ? null
        : $"{{{string.Join(",", texts.Select(text => $"\"{Escape(text)}\""))}}}";

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
