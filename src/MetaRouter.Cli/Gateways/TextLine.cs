using System.Text;

namespace MetaRouter.Cli.Gateways;

/// <summary>A line of cells of fixed widths, for a display that knows how wide it is. Text too long for its cell is cut with an ellipsis.</summary>
internal sealed class TextLine(bool ascii)
{
    private readonly StringBuilder _markup = new();

    public int Width { get; private set; }

    public TextLine Add(string text, string style = "")
    {
        var shown = OneLine.Of(text, int.MaxValue, "");
        return Append(shown, shown.Length, style);
    }

    public TextLine Left(string text, int width, string style = "")
    {
        var shown = Cut(text, width);
        return Append(shown.PadRight(width), width, style);
    }

    public TextLine Right(string text, int width, string style = "")
    {
        var shown = Cut(text, width);
        return Append(shown.PadLeft(width), width, style);
    }

    /// <summary>Our own characters, spaces included, unchanged.</summary>
    public TextLine Drawn(string characters, string style = "") => Append(characters, characters.Length, style);

    public TextLine Gap(int width = 1) => Append(new string(' ', Math.Max(0, width)), Math.Max(0, width), "");

    /// <summary>At the right end of a line this wide, if there is room.</summary>
    public TextLine End(string text, int line, string style = "") => Width + text.Length + 1 <= line ? Gap(line - Width - text.Length).Add(text, style) : this;

    public string Markup => _markup.ToString();

    /// <summary>Without trailing blanks or styles.</summary>
    public string Plain => Spectre.Console.Markup.Remove(Markup).TrimEnd();

    private string Cut(string text, int width) => width <= 0 ? "" : OneLine.Of(text, width, width < 4 ? "" : ascii ? "..." : "…");

    private TextLine Append(string text, int width, string style)
    {
        var escaped = Spectre.Console.Markup.Escape(text);
        _markup.Append(style.Length == 0 ? escaped : $"[{style}]{escaped}[/]");
        Width += width;
        return this;
    }
}
