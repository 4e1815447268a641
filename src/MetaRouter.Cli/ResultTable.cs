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
        var room = console.Profile.Width;
        var widths = Widths(room - Gaps);
        foreach (var (i, column) in Columns.Index())
        {
            table.AddColumn(new TableColumn(new Text(column)) { Alignment = i == 0 ? Justify.Left : Justify.Right, Width = widths[i] });
        }

        foreach (var row in Rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        console.WriteLine(Title);
        console.Profile.Width = Math.Max(room, widths.Sum() + Gaps);
        console.Write(table);
        console.Profile.Width = room;
        if (Note is not null)
        {
            console.WriteLine(Note);
        }

        console.WriteLine();
    }

    /// <summary>The characters for margins and lines between columns.</summary>
    private int Gaps => (3 * Columns.Count) + 1;

    /// <summary>No word is broken, so that a name can be copied: if the words alone do not fit, the terminal wraps whole lines. The room left beyond them is shared among the columns.</summary>
    private int[] Widths(int room)
    {
        var columns = Columns.Select((column, i) => Rows.Select(row => row[i]).Append(column).ToArray()).ToArray();
        var (least, most) = (columns.Select(cells => cells.Max(cell => cell.Split(' ').Max(word => word.Length))).ToArray(), columns.Select(cells => cells.Max(cell => cell.Length)).ToArray());
        var share = Math.Clamp((room - least.Sum()) / Math.Max(1.0, most.Sum() - least.Sum()), 0, 1);
        return [.. least.Zip(most, (words, whole) => words + (int)(share * (whole - words)))];
    }

    public static string Number(double value, string format) => double.IsNaN(value) ? "-" : value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>"0.650 [0.641, 0.659]"; the number alone where there is no interval.</summary>
    public static string Number(double value, Interval? interval, string format) =>
        interval is { } i && !double.IsNaN(i.Low) ? $"{Number(value, format)} [{Number(i.Low, format)}, {Number(i.High, format)}]" : Number(value, format);
}
