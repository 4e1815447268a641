using MetaRouter.Core.Text;

namespace MetaRouter.Evaluation.Robustness;

/// <summary>Prompts and what each becomes under every attack: all texts in one list, the prompts themselves first, so that a router is asked once for all.</summary>
internal sealed class AttackedPrompts
{
    public const string SuffixFound = "suffix found";

    /// <summary>
    /// Padding has to be read and paid for, so that a cheaper model can be the right answer to it; here the padded prompt costs what it did. Of the first row
    /// alone: no other takes a count of tokens.
    /// </summary>
    public const string OldPrice = "500 words after, at the old price";

    private readonly List<string> _texts;
    private readonly int[][][] _of; // attack x prompt: its texts

    /// <param name="suffix">Put behind every graded prompt; begins with a space.</param>
    /// <param name="draws">Of typos and padding.</param>
    public AttackedPrompts(Prompt[] prompts, string suffix, int draws)
    {
        (string Name, string[][] Texts)[] attacks =
        [
            ("typos", Drawn(static (p, random, _) => Disturbance.Typos(p.Text, random))),
            ("paraphrase", Each(p => p.Paraphrase)),
            ("other language", Each(p => p.Foreign)),
            ("500 words after", Drawn(static (p, _, padding) => $"{p.Text}\n\n{padding}")),
            ("500 words before", Drawn(static (p, _, padding) => $"{padding}\n\n{p.Text}")),
            (OldPrice, Drawn(static (p, _, padding) => $"{p.Text}\n\n{padding}")),
            (SuffixFound, Each(p => p.IsGraded ? p.Text + suffix : null)),
        ];
        (Prompts, Attacks, _texts) = (prompts, [.. attacks.Select(a => a.Name)], [.. prompts.Select(p => p.Text)]);
        _of = [.. attacks.Select(attack => attack.Texts.Select(byPrompt =>
        {
            _texts.AddRange(byPrompt);
            return Enumerable.Range(_texts.Count - byPrompt.Length, byPrompt.Length).ToArray();
        }).ToArray())];

        string[][] Each(Func<Prompt, string?> change) => [.. prompts.Select(p => change(p) is { } text ? (string[])[text] : [])];

        string[][] Drawn(Func<Prompt, Random, string, string> change) => [.. prompts.Select((p, i) => p.IsGraded
            ? Enumerable.Range(0, draws).Select(draw => new Random((draw * 100_003) + i) is var random ? change(p, random, Disturbance.Padding(random)) : "").ToArray()
            : [])];
    }

    public IReadOnlyList<Prompt> Prompts { get; }

    /// <summary>The attacks' names.</summary>
    public IReadOnlyList<string> Attacks { get; }

    /// <summary>Prompt i is text i; what it becomes stands <see cref="Of"/> an attack.</summary>
    public IReadOnlyList<string> Texts => _texts;

    /// <summary>The numbers of the texts that a prompt becomes; none: it is not attacked so.</summary>
    public int[] Of(int attack, int prompt) => _of[attack][prompt];

    /// <summary>Of every text the prompt tokens that it is priced at; NaN: its own.</summary>
    public float[] PromptTokens(PromptEncoder encoder)
    {
        var (tokens, encoding) = (new float[_texts.Count], new RequestEncoding());
        Array.Fill(tokens, float.NaN);
        var attack = Attacks.Index().First(a => a.Item == OldPrice).Index;
        for (var i = 0; i < Prompts.Count; i++)
        {
            encoder.Encode(Prompts[i].Text, encoding);
            foreach (var text in Of(attack, i))
            {
                tokens[text] = encoding.Tokens;
            }
        }

        return tokens;
    }
}
