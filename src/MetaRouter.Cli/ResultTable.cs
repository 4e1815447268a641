using System.Globalization;
using MetaRouter.Evaluation.Metrics;
using Spectre.Console;

namespace MetaRouter.Cli;

/// <summary>One table for people: a title, columns, rows of text, and what to know about it.</summary>
internal sealed record ResultTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows, string? Note)
{
    public void Write(IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (i, column) in Columns.Index())
        {
            table.AddColumn(new TableColumn(new Text(column)) { Alignment = i == 0 ? Justify.Left : Justify.Right });
        }

        foreach (var row in Rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        console.WriteLine(Title);
        console.Write(table);
        if (Note is not null)
        {
            console.WriteLine(Note);
        }

        console.WriteLine();
    }

    public static string Number(double value, string format) => double.IsNaN(value) ? "-" : value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>"0.650 [0.641, 0.659]"; the number alone where there is no interval.</summary>
    public static string Number(double value, Interval? interval, string format) =>
        interval is { } i && !double.IsNaN(i.Low) ? $"{Number(value, format)} [{Number(i.Low, format)}, {Number(i.High, format)}]" : Number(value, format);
}
