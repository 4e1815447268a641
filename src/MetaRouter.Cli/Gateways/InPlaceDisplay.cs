using Spectre.Console;

namespace MetaRouter.Cli.Gateways;

/// <summary>A terminal's alternate screen, redrawn frame by frame without flicker; the previous content comes back at the end.</summary>
internal sealed class InPlaceDisplay : IDisposable
{
    private const string Enter = "\x1b[?1049h\x1b[?25l", Leave = "\x1b[?25h\x1b[?1049l", Home = "\x1b[H", EraseLine = "\x1b[K", EraseBelow = "\x1b[J", Hold = "\x1b[?2026h", Release = "\x1b[?2026l";

    private readonly IAnsiConsole _console;
    private readonly TextWriter _out;
    private readonly Lock _gate = new();

    public InPlaceDisplay(IAnsiConsole console, TextWriter output)
    {
        (_console, _out) = (console, output);
        Write(Enter);
    }

    /// <param name="lines">Makes the lines, as markup, for a width and a height, which they must not exceed.</param>
    public void Show(Func<int, int, IReadOnlyList<string>> lines)
    {
        var (width, height) = (_console.Profile.Width, _console.Profile.Height);
        using var text = new StringWriter();
        var frame = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(text),
            Ansi = AnsiSupport.Yes,
            ColorSystem = (ColorSystemSupport)_console.Profile.Capabilities.ColorSystem,
            Interactive = InteractionSupport.No,
        });
        frame.Profile.Width = width + 1; // so that a full line is not wrapped
        foreach (var (i, line) in lines(width, height).Index())
        {
            if (i > 0)
            {
                text.Write(EraseLine + "\r\n");
            }

            frame.Markup(line);
        }

        Write(Hold + Home + text + EraseLine + EraseBelow + Release);
    }

    public void Dispose() => Write(Leave);

    private void Write(string text)
    {
        lock (_gate)
        {
            _out.Write(text);
            _out.Flush();
        }
    }
}
