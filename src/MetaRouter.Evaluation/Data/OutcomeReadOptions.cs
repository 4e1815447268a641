using MetaRouter.Core.Catalog;

namespace MetaRouter.Evaluation.Data;

/// <summary>Which models and rows of an outcome file to keep.</summary>
public sealed record OutcomeReadOptions
{
    /// <summary>The table's models, in this order. Default null: every model of the file, in ordinal order.</summary>
    public IReadOnlyList<ModelId>? Models { get; init; }

    /// <summary>Keep only rows that have a score and a price for every model (what a pool is); else all rows, NaN where missing. Default false.</summary>
    public bool CompleteRowsOnly { get; init; }

    /// <summary>Rows to keep; asked before duplicates are dropped. Default null: all.</summary>
    public Func<OutcomeRowInfo, bool>? RowFilter { get; init; }
}
