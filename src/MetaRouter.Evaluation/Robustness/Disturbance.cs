using System.Text;

namespace MetaRouter.Evaluation.Robustness;

/// <summary>What is done to a prompt that should change nothing about who answers it.</summary>
public static class Disturbance
{
    /// <summary>The share of letters a typist gets wrong.</summary>
    public const double TypoShare = .05;

    /// <summary>Words of padding.</summary>
    public const int PaddingWords = 500;

    // Small talk that asks for nothing.
    private static readonly string[] s_talk =
    [
        "We went to the lake on Sunday and the water was colder than last year.",
        "I should mention that I am writing this on the train home.",
        "A friend of mine moved house and everybody helped to carry boxes.",
        "The bakery at the corner has changed hands but the rolls are the same.",
        "Our old radio still works and plays the same songs in the evening.",
        "I lost my umbrella again and had to walk back in the drizzle.",
        "The children painted the fence in two colours and were proud of it.",
        "On the way we stopped twice, once for coffee and once for the view.",
        "The bus was full, so I stood next to a man with a very large plant.",
        "Last night the power was out for an hour and we lit some candles.",
        "The choir meets on Tuesdays now because the hall is used on Mondays.",
        "Somebody left a blue scarf at our place and nobody has asked for it.",
        "In summer we eat outside, and in winter we talk about eating outside.",
        "My brother collects stamps with ships on them and shows them to all guests.",
        "I hope your day is going well and that the weather is kind to you.",
    ];

    /// <summary>One letter in twenty is doubled, dropped, swapped with the next or hit beside.</summary>
    public static string Typos(string text, Random random)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(random);
        var typed = new StringBuilder(text.Length + 8);
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsLetter(text[i]) || random.NextDouble() >= TypoShare)
            {
                typed.Append(text[i]);
                continue;
            }

            switch (random.Next(4))
            {
                case 0:
                    typed.Append(text[i]).Append(text[i]);
                    break;
                case 1:
                    break;
                case 2 when i + 1 < text.Length:
                    typed.Append(text[i + 1]).Append(text[i++]);
                    break;
                default:
                    typed.Append((char)('a' + random.Next(26)));
                    break;
            }
        }

        return typed.ToString();
    }

    /// <summary>At least <see cref="PaddingWords"/> words of small talk in whole sentences.</summary>
    public static string Padding(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var (padding, words) = (new StringBuilder(), 0);
        while (words < PaddingWords)
        {
            var sentence = s_talk[random.Next(s_talk.Length)];
            padding.Append(padding.Length == 0 ? "" : " ").Append(sentence);
            words += sentence.Count(c => c == ' ') + 1;
        }

        return padding.ToString();
    }
}
