using Spectre.Console;

namespace MetaRouter.Cli.Tests;

public sealed class ResultTableTests
{
    private static readonly ResultTable s_table = new(
        "title",
        ["model", "completion $/M", "mean gain"],
        [["claude-3-5-sonnet-20241022", "15", "0.0136 [0.0107, 0.0166]"], ["deepseek-v2-chat", "0.28", "0.0032 [-0.0019, 0.0077]"]],
        "A note of more words than a narrow terminal holds in one line.");

    [Theory]
    [InlineData(20)]
    [InlineData(50)]
    [InlineData(62)]
    [InlineData(80)]
    public void Write_WhateverTheWidth_BreaksNoWord(int width)
    {
        using var written = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(written) });
        console.Profile.Width = width;

        s_table.Write(console);

        var words = written.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        words.ShouldBeSubsetOf([.. s_table.Rows.SelectMany(r => r).Concat(s_table.Columns).Append(s_table.Title).Append(s_table.Note!).SelectMany(text => text.Split(' ')), .. words.Where(w => w.All(c => c == '─' || c == '-'))]);
        words.ShouldContain("claude-3-5-sonnet-20241022");
        console.Profile.Width.ShouldBe(width);
    }
}
