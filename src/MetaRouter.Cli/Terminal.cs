using Spectre.Console;

namespace MetaRouter.Cli;

/// <summary>Where a command writes: results to <paramref name="Out"/>, everything else to <paramref name="Error"/>.</summary>
/// <param name="RichOut">Out is a terminal: colours, its own width.</param>
/// <param name="RichError">Error is a terminal: a progress bar instead of lines.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool RichOut, bool RichError)
{
    /// <summary>For the dates that a command writes.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>A variable of the environment; null: not set.</summary>
    public Func<string, string?> Variable { get; init; } = static name => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>False: the reader of the results has gone.</summary>
    public Func<bool> IsRead { get; init; } = static () => true;

    /// <summary>Width at which help is wrapped, characters.</summary>
    public int HelpWidth { get; init; } = 100;

    // Wide enough for every table: in a file or a pipe nothing is gained by wrapping lines.
    private const int PlainWidth = 200;

    // Narrower, the options' names would take the whole line.
    private const int NarrowestHelp = 60;

    public static Terminal OfProcess()
    {
        var terminal = new Terminal(Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected);
        return terminal.RichOut && Console.WindowWidth is > 0 and var width ? terminal with { HelpWidth = Math.Max(width, NarrowestHelp) } : terminal;
    }

    /// <param name="isPlain">Whether the user wants no colours and no progress bar, even on a terminal.</param>
    public Terminal Plain(bool isPlain) => isPlain ? this with { RichOut = false, RichError = false } : this;

    public IAnsiConsole Results() => Create(Out, RichOut);

    public IAnsiConsole Messages() => Create(Error, RichError);

    private static IAnsiConsole Create(TextWriter writer, bool rich)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = rich ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = rich ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!rich)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }
}
