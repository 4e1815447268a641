namespace MetaRouter.Core.Tests.Text;

/// <summary>Texts that have broken readers of text before.</summary>
internal static class AnyText
{
    public static readonly TheoryData<string> Hard =
    [
        "",
        " \t\r\n\u00A0\u3000 ",
        "\0\0a\0b\0",
        "\uD800",
        "\uDC00\uD800 \uDFFFx",
        "👩‍👩‍👧‍👦 🇫🇷 👍🏽",
        "שלום עולם، مرحبا بالعالم \u202Eabc\u202C",
        "今天天气很好。これは試験です。한국어",
        "e\u0301\u0301\u0301\u0301 \uFEFF\uFFFE\uFFFF",
        new string('\u0300', 2_000),
        "İIıi ẞß ǅ",
        "{}[];_#`<>=+-*/^\\$?!.,:)(",
        "0123456789٠١٢٣",
        new string('a', 40_000),
        new string('?', 40_000),
        new string('\n', 40_000),
    ];

    /// <summary>Up to 300 UTF-16 units, valid or not, of a few alphabets.</summary>
    public static string Random(Random random)
    {
        var text = new char[random.Next(300)];
        var alphabet = random.Next(4);
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = (char)(alphabet switch
            {
                0 => random.Next(0x20, 0x7F),
                1 => random.Next(0x80),
                2 => random.Next(0x10000),
                _ => random.Next(3) == 0 ? ' ' : 'a' + random.Next(26),
            });
        }

        return new string(text);
    }

    /// <summary>About a megabyte of words and lines.</summary>
    public static string Megabyte(int seed)
    {
        var random = new Random(seed);
        var text = new char[1 << 20];
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = random.Next(7) == 0 ? ' ' : random.Next(60) == 0 ? '\n' : (char)('a' + random.Next(26));
        }

        return new string(text);
    }
}
