using System.Runtime.CompilerServices;

namespace MetaRouter.Core.Text;

/// <summary>
/// Counts hashed n-grams of one text in a single pass: words (runs of letters and digits) and pairs of neighbouring words
/// in the first <see cref="WordBuckets"/> buckets, characters (2 to 4 within white-space separated tokens, borders included) in the rest;
/// and a few surface counts. Letters are folded to lower case by the invariant culture; any UTF-16 is accepted, valid or not.
/// </summary>
/// <remarks>
/// Cost: linear in the text and bounded: of a text over <see cref="MaxChars"/> characters the beginning and the end are read.
/// An instance is scratch space for one text at a time and is not thread-safe.
/// Source: hashing trick, Weinberger et al. 2009 (arXiv:0902.2206).
/// </remarks>
public sealed class NgramCounter
{
    public const int WordBits = 15;
    public const int CharBits = 14;
    public const int WordBuckets = 1 << WordBits;
    public const int CharBuckets = 1 << CharBits;
    public const int Buckets = WordBuckets + CharBuckets;

    /// <summary>The length of the vector of surface features.</summary>
    public const int SurfaceLength = 24;

    /// <summary>A longer text is read as its first three quarters and last quarter of this many characters.</summary>
    public const int MaxChars = 16_384;

    /// <summary>No bucket's count is higher: a character ends at most three n-grams of characters and two of words, and borders add fewer than that again.</summary>
    internal const int MaxCount = MaxChars * 4;

    /// <summary>2^64 over the golden ratio: multiplying by it spreads low bits over the high ones, which choose the bucket (Knuth's multiplicative hashing).</summary>
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;

    private readonly ushort[] _count = new ushort[Buckets];
    private readonly ushort[] _words = new ushort[WordBuckets];
    private readonly ushort[] _single = new ushort[WordBuckets];
    private readonly ushort[] _mark = new ushort[WordBuckets]; // of the first word in a bucket; 0: none
    private readonly int[] _ascii = new int[128];
    private readonly ushort[] _chars = new ushort[CharBuckets + 1]; // one beyond: the next place is written to before it is known to be needed
    private readonly float[] _surface = new float[SurfaceLength];
    private int _wordsUsed, _charsUsed, _singlesUsed;

    /// <summary>The word buckets with a count of at least one, in order of first appearance.</summary>
    public ReadOnlySpan<ushort> Words => _words.AsSpan(0, _wordsUsed);

    /// <summary>The character buckets with a count of at least one, in order of first appearance.</summary>
    public ReadOnlySpan<ushort> Characters => _chars.AsSpan(0, _charsUsed);

    /// <summary>The buckets of single words, pairs left out, in order of first appearance.</summary>
    internal ReadOnlySpan<ushort> Singles => _single.AsSpan(0, _singlesUsed);

    /// <summary>
    /// Length, digits, lines, symbols, upper case, code, word length, questions, listed options, other scripts; numbers, the longest number, long words,
    /// different words, commas, full stops, parentheses, quotes, backslashes, equal signs, indentation, the longest line, words before the first option,
    /// signs of money and per cent: each about 0 to 1.
    /// </summary>
    public ReadOnlySpan<float> Surface => _surface;

    /// <summary>Tokens that a byte-pair tokenizer would make of the text, by a rule of thumb: within about 15 % for English prose and code.</summary>
    public float TokenEstimate { get; private set; }

    public int Count(int bucket) => _count[bucket];

    /// <summary>Which word it was that <see cref="Singles"/> lists; 0: none.</summary>
    internal ushort Mark(int bucket) => _mark[bucket];

    /// <summary>Forgets the last text and counts this one.</summary>
    public void Read(ReadOnlySpan<char> text)
    {
        foreach (var bucket in Words)
        {
            _count[bucket] = 0;
        }

        foreach (var bucket in Characters)
        {
            _count[bucket] = 0;
        }

        foreach (var bucket in Singles)
        {
            _mark[bucket] = 0;
        }

        (_wordsUsed, _charsUsed, _singlesUsed) = (0, 0, 0);
        Array.Clear(_ascii);
        var tally = default(SurfaceTally);
        if (text.Length <= MaxChars)
        {
            Scan(text, ref tally);
        }
        else
        {
            Scan(text[..(MaxChars * 3 / 4)], ref tally);
            Scan(text[^(MaxChars / 4)..], ref tally);
        }

        var scale = text.Length > MaxChars ? (float)text.Length / MaxChars : 1f;
        tally.Write(_surface, _ascii, text.Length, scale, _singlesUsed);
        TokenEstimate = ((SurfaceTally.Symbols(_ascii) + tally.Tokens) * scale) + 1;
    }

    private void Scan(ReadOnlySpan<char> text, ref SurfaceTally tally)
    {
        ulong word = 0, previousWord = 0, window = ' ';
        var (wordLength, wordDigits, tokenLength, lineFrom, lineStart) = (0, 0, 0, 0, true);
        var charsUsed = _charsUsed;
        for (var i = 0; i < text.Length; i++)
        {
            var raw = text[i];
            char c;
            bool letter, digit, space;
            if (raw < 128)
            {
                var kind = Ascii.Kind[raw];
                letter = kind is Ascii.Lower or Ascii.Upper;
                digit = kind == Ascii.Digit;
                space = kind == Ascii.Blank;
                c = kind == Ascii.Upper ? (char)(raw | 0x20) : raw;
                _ascii[raw]++;
                tally.Character(raw, kind, lineStart);
                if (raw == '\n')
                {
                    tally.Line(i - lineFrom);
                    (lineFrom, lineStart) = (i + 1, true);
                }
                else if (lineStart && !space)
                {
                    tally.Indent(i - lineFrom);
                    lineStart = false;
                }
            }
            else
            {
                c = char.ToLowerInvariant(raw);
                letter = char.IsLetter(c) || char.IsSurrogate(c);
                digit = char.IsDigit(c);
                space = char.IsWhiteSpace(c);
                tally.OtherScript++;
                lineStart = false;
            }

            if (letter || digit)
            {
                word = Spell(word, c);
                wordLength++;
                wordDigits += digit ? 1 : 0;
            }
            else if (wordLength > 0)
            {
                EndWord(ref word, ref previousWord, ref wordLength, ref wordDigits, ref tally);
            }

            if (space && tokenLength == 0)
            {
                continue;
            }

            // White space after a token is its right border, and the left one of the next.
            window = (window << 16) | (space ? ' ' : c);
            tokenLength++;
            CharGrams(window, tokenLength + 1, ref charsUsed);
            if (space)
            {
                (window, tokenLength) = (' ', 0);
            }
        }

        tally.Line(text.Length - lineFrom);
        if (wordLength > 0)
        {
            EndWord(ref word, ref previousWord, ref wordLength, ref wordDigits, ref tally);
        }

        if (tokenLength > 0)
        {
            CharGrams((window << 16) | ' ', tokenLength + 2, ref charsUsed);
        }

        _charsUsed = charsUsed;
    }

    private void EndWord(ref ulong word, ref ulong previousWord, ref int length, ref int digits, ref SurfaceTally tally)
    {
        var key = word * Golden;
        var bucket = Bucket(key);
        if (_mark[bucket] == 0)
        {
            _mark[bucket] = MarkOf(key);
            _single[_singlesUsed++] = (ushort)bucket;
        }

        AddWord(bucket);
        if (previousWord != 0)
        {
            AddWord((int)(((word + (previousWord * 0xD6E8_FEB8_6659_FD93)) * Golden) >> (64 - WordBits)));
        }

        tally.Word(length, digits);
        (previousWord, word, length, digits) = (word, 0, 0, 0);
    }

    /// <summary>The keys of a text's words in their order, by the same rule as counting: what word vectors are learned from.</summary>
    internal static void Keys(ReadOnlySpan<char> text, List<ulong> keys)
    {
        var (word, length) = (0UL, 0);
        foreach (var raw in text)
        {
            var c = raw < 128 ? (char)(Ascii.Kind[raw] == Ascii.Upper ? raw | 0x20 : raw) : char.ToLowerInvariant(raw);
            if (raw < 128 ? Ascii.Kind[raw] is Ascii.Lower or Ascii.Upper or Ascii.Digit : char.IsLetter(c) || char.IsSurrogate(c) || char.IsDigit(c))
            {
                word = Spell(word, c);
                length++;
            }
            else if (length > 0)
            {
                keys.Add(word * Golden);
                (word, length) = (0, 0);
            }
        }

        if (length > 0)
        {
            keys.Add(word * Golden);
        }
    }

    /// <summary>A word's hash with one more of its letters: a step of FNV-1a, and a constant.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Spell(ulong word, char letter) => ((word ^ letter) * 0x0000_0100_0000_01B3) + Golden;

    internal static int Bucket(ulong key) => (int)(key >> (64 - WordBits));

    /// <summary>Tells apart the words of one bucket, nearly always; never 0.</summary>
    internal static ushort MarkOf(ulong key) => (ushort)((key >> 24) | 1);

    /// <param name="window">The last four characters, 16 bits each.</param>
    /// <param name="available">How many of them belong to this token, borders included.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CharGrams(ulong window, int available, ref int used)
    {
        AddChars((window & 0xFFFF_FFFF) + 0x2545_F491_4F6C_DD1D, ref used);
        if (available >= 3)
        {
            AddChars((window & 0xFFFF_FFFF_FFFF) + 0x5851_F42D_4C95_7F2D, ref used);
        }

        if (available >= 4)
        {
            AddChars(window, ref used);
        }
    }

    /// <summary>Without a branch on whether the bucket is new, which nobody can predict. No count overflows: a text has fewer characters than that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddChars(ulong key, ref int used)
    {
        key ^= key >> 29;
        var bucket = WordBuckets + (int)((key * Golden) >> (64 - CharBits));
        ref var count = ref _count[bucket];
        _chars[used] = (ushort)bucket;
        used += Unsafe.BitCast<bool, byte>(count == 0);
        count++;
    }

    private void AddWord(int bucket)
    {
        ref var count = ref _count[bucket];
        if (count == 0)
        {
            _words[_wordsUsed++] = (ushort)bucket;
        }

        count++;
    }
}
