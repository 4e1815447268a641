using System.Collections.Immutable;

namespace MetaRouter.Core.Text;

/// <summary>A topic that users may weigh cost differently on.</summary>
/// <param name="Code">What signals and receipts call it: 1 to 63, by its name, so that it mostly survives another training.</param>
/// <param name="Name">Of the most frequent kind of request in it, as the training data has it.</param>
/// <param name="Words">Three words, at most, that tell its requests from others.</param>
public sealed record TopicGroup(byte Code, string Name, ImmutableArray<string> Words)
{
    /// <summary>The name as a person would write it.</summary>
    public string Title => Name.Replace('_', ' ');

    /// <summary>The title and the words, as in "law (plaintiff, court, contract)".</summary>
    public string Label => Words.IsEmpty ? Title : $"{Title} ({string.Join(", ", Words)})";
}
