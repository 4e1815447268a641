using Spectre.Console;

namespace MetaRouter.Cli.Gateways;

/// <summary>Writes lines one below the other: with colours to a terminal, plain to anything else.</summary>
/// <param name="terminal">Where to.</param>
/// <param name="isPlain">Only ASCII, whatever the terminal can show.</param>
internal sealed class LineOutput(Terminal terminal, bool isPlain)
{
    private const int PlainWidth = 120;

    private readonly IAnsiConsole _console = terminal.Results();

    public bool IsAscii => isPlain || !_console.Profile.Capabilities.Unicode;

    /// <summary>How many characters a line may have now: a terminal's last column stays empty, since some wrap there.</summary>
    public int Width => terminal.RichOut ? _console.Profile.Width - 1 : PlainWidth;

    public void Write(TextLine line)
    {
        if (terminal.RichOut)
        {
            _console.MarkupLine(line.Markup);
        }
        else
        {
            terminal.Out.WriteLine(line.Plain);
        }
    }
}
