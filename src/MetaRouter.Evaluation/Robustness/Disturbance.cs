using System.Text;

namespace MetaRouter.Evaluation.Robustness;

/// <summary>What is done to a prompt that should change nothing about who answers it.</summary>
public static class Disturbance
{
    /// <summary>The share of letters a typist gets wrong.</summary>
    public const double TypoShare = .05;

    /// <summary>Words of padding.</summary>
    public const int PaddingWords = 500;

    // Small talk that asks for nothing. Even sentences pad while the router is being changed, odd ones where it is reported on.
    private static readonly string[] s_talk =
    [
        "It has been a long week and I finally have some time to sit down.",
        "We went to the lake on Sunday and the water was colder than last year.",
        "My neighbour keeps three hens and gives us eggs now and then.",
        "I should mention that I am writing this on the train home.",
        "The garden looks better since the rain, though the beans are late.",
        "A friend of mine moved house and everybody helped to carry boxes.",
        "Thank you for reading all of this, I tend to go on a little.",
        "The bakery at the corner has changed hands but the rolls are the same.",
        "By the way, the cat has found a new place to sleep on the shelf.",
        "Our old radio still works and plays the same songs in the evening.",
        "There was a market in town with honey, cheese and wooden toys.",
        "I lost my umbrella again and had to walk back in the drizzle.",
        "Autumn came early this year and the leaves are already on the ground.",
        "The children painted the fence in two colours and were proud of it.",
        "I do not want to take too much of your time with such stories.",
        "On the way we stopped twice, once for coffee and once for the view.",
        "My aunt sent a parcel with jam and a long letter about her trip.",
        "The bus was full, so I stood next to a man with a very large plant.",
        "We still use the kitchen table that my grandfather made from oak.",
        "Last night the power was out for an hour and we lit some candles.",
        "It is quiet here in the mornings apart from the birds and the mail van.",
        "The choir meets on Tuesdays now because the hall is used on Mondays.",
        "I have been meaning to fix the gate, but there is always something else.",
        "Somebody left a blue scarf at our place and nobody has asked for it.",
        "The film was longer than I thought, though I liked the ending.",
        "In summer we eat outside, and in winter we talk about eating outside.",
        "Yesterday the shop had no bread left, which happens before holidays.",
        "My brother collects stamps with ships on them and shows them to all guests.",
        "The road by the river is closed again, so everything takes a bit longer.",
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
    public static string Padding(bool isReported, Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var (padding, words) = (new StringBuilder(), 0);
        while (words < PaddingWords)
        {
            var sentence = s_talk[(2 * random.Next(s_talk.Length / 2)) + (isReported ? 1 : 0)];
            padding.Append(padding.Length == 0 ? "" : " ").Append(sentence);
            words += sentence.Count(c => c == ' ') + 1;
        }

        return padding.ToString();
    }
}
