namespace MetaRouter.Evaluation.Robustness;

/// <summary>
/// The prompts of <c>prompts.txt</c>: 40 trivial and 40 hard ones in each of five categories after DSC (arXiv:2504.07113), 40 harmful requests in mild words that hold nothing
/// one could act on, and 40 with invented personal data.
/// </summary>
public static class PromptSet
{
    public const string Harmful = "harmful", Personal = "personal";

    private const string Resource = "robustness-prompts.txt", Between = " || ";

    /// <summary>The categories that have trivial and hard items.</summary>
    public static IReadOnlyList<string> Graded { get; } = ["coding", "arithmetic", "translation", "instructions", "facts"];

    public static IReadOnlyList<Prompt> All { get; } = Load();

    /// <summary>
    /// Reads the format of the file: a heading <c># category [trivial|hard]</c>, then one prompt a line, its paraphrase and its translation behind <c>||</c>.
    /// Odd lines under a heading are reported on.
    /// </summary>
    /// <exception cref="FormatException">A line before any heading, or with more than three parts.</exception>
    internal static List<Prompt> Parse(TextReader lines)
    {
        var prompts = new List<Prompt>();
        var (category, isHard, at) = ("", false, 0);
        for (var number = 1; lines.ReadLine() is { } line; number++)
        {
            if (line.StartsWith("# ", StringComparison.Ordinal))
            {
                var words = line[2..].Split(' ');
                (category, isHard, at) = (words[0], words.Length > 1 && words[1] == "hard", 0);
                continue;
            }

            var parts = line.Split(Between);
            if (category.Length == 0 || parts.Length > 3)
            {
                throw new FormatException($"Line {number} has {parts.Length} parts under heading '{category}'; a prompt stands under a heading and has at most a paraphrase and a translation.");
            }

            prompts.Add(new Prompt(category, isHard, parts[0], parts.ElementAtOrDefault(1), parts.ElementAtOrDefault(2), at++ % 2 == 1));
        }

        return prompts;
    }

    private static List<Prompt> Load()
    {
        using var stream = typeof(PromptSet).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"This build carries no {Resource}; it is embedded from src/MetaRouter.Evaluation/Robustness/prompts.txt.");
        using var reader = new StreamReader(stream);
        return Parse(reader);
    }
}
