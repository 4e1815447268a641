using System.Runtime.CompilerServices;

namespace MetaRouter.Core.Text;

/// <summary>What a text looks like, whatever its words say, counted while <see cref="NgramCounter"/> reads it: <see cref="NgramCounter.Surface"/>.</summary>
internal struct SurfaceTally
{
    private int _words, _wordChars, _options, _pieces, _numbers, _longestNumber, _longWords, _longestLine, _indent, _body;
    private bool _optionLetter;

    /// <summary>Characters beyond ASCII.</summary>
    public int OtherScript;

    /// <summary>Tokens without ASCII symbols, which are one each. By a rule of thumb, a word is one for each six letters begun, and three characters of other scripts are two.</summary>
    public readonly float Tokens => _pieces + (OtherScript * 0.7f);

    /// <summary>Takes one of ASCII: a capital at the beginning of a line with a full stop or a parenthesis behind it lists an option.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Character(char c, byte kind, bool lineStart)
    {
        if (_optionLetter && c is '.' or ')')
        {
            _body = _options == 0 ? _words : _body;
            _options++;
        }

        _optionLetter = lineStart && kind == Ascii.Upper;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Word(int length, int digits)
    {
        _words++;
        _wordChars += length;
        _pieces += 1 + ((length - 1) / 6);
        _longWords += length > 9 ? 1 : 0;
        if (digits == length)
        {
            _numbers++;
            _longestNumber = Math.Max(_longestNumber, length);
        }
    }

    public void Line(int length) => _longestLine = Math.Max(_longestLine, length);

    public void Indent(int length) => _indent = Math.Max(_indent, length);

    public static int Symbols(ReadOnlySpan<int> ascii)
    {
        var sum = 0;
        for (var c = 0; c < ascii.Length; c++)
        {
            sum += Ascii.Kind[c] == Ascii.Symbol ? ascii[c] : 0;
        }

        return sum;
    }

    /// <summary>The features, in the order that <see cref="NgramCounter.Surface"/> names them.</summary>
    /// <param name="ascii">How often each character of ASCII was read.</param>
    /// <param name="length">Of the whole text, in characters.</param>
    /// <param name="scale">Length of the whole text over that of the part read, 1 or more.</param>
    /// <param name="different">Different words.</param>
    public readonly void Write(Span<float> to, ReadOnlySpan<int> ascii, int length, float scale, int different)
    {
        var n = (length / scale) + 1;
        to[0] = MathF.Log(1 + length) / 10;
        to[1] = Sum(ascii, "0123456789") / n;
        to[2] = MathF.Min(1, Log(ascii['\n'] * scale) / 5);
        to[3] = Share(ascii, "=+-*/^\\<>$", 5);
        to[4] = Share(ascii, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3);
        to[5] = Share(ascii, "{};_[]`#", 5);
        to[6] = _words == 0 ? 0 : MathF.Min(1, _wordChars / (_words * 10f));
        to[7] = MathF.Min(1, ascii['?'] / 3f);
        to[8] = MathF.Min(1, _options / 12f);
        to[9] = MathF.Min(1, OtherScript / n * 4);
        to[10] = MathF.Min(1, Log(_numbers * scale) / 5);
        to[11] = MathF.Min(1, _longestNumber / 12f);
        to[12] = _words == 0 ? 0 : MathF.Min(1, _longWords * 3f / _words);
        to[13] = _words == 0 ? 0 : MathF.Min(1, (float)different / _words);
        to[14] = Share(ascii, ",", 20);
        to[15] = Share(ascii, ".", 20);
        to[16] = Share(ascii, "()", 15);
        to[17] = Share(ascii, "'\"", 15);
        to[18] = MathF.Min(1, Log(ascii['\\'] * scale) / 5);
        to[19] = Share(ascii, "=", 20);
        to[20] = MathF.Min(1, Log(_indent) / 4);
        to[21] = MathF.Min(1, Log(_longestLine) / 8);
        to[22] = MathF.Min(1, Log(_options > 0 ? _body : _words) / 8);
        to[23] = MathF.Min(1, Log((ascii['$'] + ascii['%']) * scale) / 4);

        float Share(ReadOnlySpan<int> counts, ReadOnlySpan<char> of, float times) => MathF.Min(1, Sum(counts, of) / n * times);

        static float Log(float v) => MathF.Log(1 + v);
    }

    private static int Sum(ReadOnlySpan<int> ascii, ReadOnlySpan<char> of)
    {
        var sum = 0;
        foreach (var c in of)
        {
            sum += ascii[c];
        }

        return sum;
    }
}
