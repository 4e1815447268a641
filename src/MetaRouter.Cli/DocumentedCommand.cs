using System.CommandLine;

namespace MetaRouter.Cli;

/// <summary>A command whose help ends with a list of names, if any, and with examples.</summary>
/// <param name="examples">Whole lines without the program's name; they are parsed by a test.</param>
internal sealed class DocumentedCommand(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;

    /// <summary>A heading's names and what they mean; empty: there is no such list.</summary>
    public IReadOnlyList<(string Name, string Meaning)> Names { get; set; } = [];

    public string NamesHeading { get; set; } = "";
}
