using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

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
    public const int SurfaceLength = 10;

    /// <summary>A longer text is read as its first three quarters and last quarter of this many characters.</summary>
    public const int MaxChars = 16_384;

    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;
    private readonly ushort[] _count = new ushort[Buckets];
    private readonly ushort[] _words = new ushort[WordBuckets];
    private readonly ushort[] _chars = new ushort[CharBuckets];
    private readonly float[] _surface = new float[SurfaceLength];
    private float[] _weights = [];
    private sbyte[] _rows = [];
    private int _wordsUsed, _charsUsed;

    /// <summary>The word buckets with a count of at least one, in order of first appearance.</summary>
    public ReadOnlySpan<ushort> Words => _words.AsSpan(0, _wordsUsed);

    /// <summary>The character buckets with a count of at least one, in order of first appearance.</summary>
    public ReadOnlySpan<ushort> Characters => _chars.AsSpan(0, _charsUsed);

    /// <summary>Length, digits, lines, symbols, upper case, code, word length, questions, listed options, other scripts: each about 0 to 1.</summary>
    public ReadOnlySpan<float> Surface => _surface;

    /// <summary>Tokens that a byte-pair tokenizer would make of the text, by a rule of thumb: within about 15 % for English prose and code.</summary>
    public float TokenEstimate { get; private set; }

    public int Count(int bucket) => _count[bucket];

    /// <summary>Forgets the last text and counts this one.</summary>
    public void Read(ReadOnlySpan<char> text) => Read(text, [], []);

    /// <summary>The same, and asks for what an encoder will read of every bucket, so that memory works while the text is scanned.</summary>
    /// <param name="weights">One a bucket, or none.</param>
    /// <param name="rows">64 bytes a bucket, or none.</param>
    internal void Read(ReadOnlySpan<char> text, float[] weights, sbyte[] rows)
    {
        (_weights, _rows) = (weights, rows);
        foreach (var bucket in Words)
        {
            _count[bucket] = 0;
        }

        foreach (var bucket in Characters)
        {
            _count[bucket] = 0;
        }

        (_wordsUsed, _charsUsed) = (0, 0);
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
        tally.Write(_surface, text.Length, scale);
        TokenEstimate = tally.Tokens * scale + 1;
    }

    private void Scan(ReadOnlySpan<char> text, ref SurfaceTally tally)
    {
        ulong word = 0, previousWord = 0, window = ' ';
        var (wordLength, tokenLength, lineStart) = (0, 0, true);
        foreach (var raw in text)
        {
            char c;
            bool letter, digit = false, space = false;
            if (raw < 128)
            {
                var kind = AsciiKind[raw];
                letter = kind == 1 || kind == 2;
                digit = kind == 3;
                space = kind == 4;
                c = kind == 2 ? (char)(raw | 0x20) : raw;
                tally.Ascii(raw, kind, lineStart);
                lineStart = raw == '\n' || (lineStart && space);
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
                word = (word ^ c) * 0x0000_0100_0000_01B3 + Golden;
                wordLength++;
            }
            else if (wordLength > 0)
            {
                EndWord(ref word, ref previousWord, ref wordLength, ref tally);
            }

            if (space)
            {
                if (tokenLength > 0)
                {
                    EndToken(ref window, ref tokenLength);
                }

                continue;
            }

            window = (window << 16) | c;
            tokenLength++;
            CharGrams(window, tokenLength + 1);
        }

        if (wordLength > 0)
        {
            EndWord(ref word, ref previousWord, ref wordLength, ref tally);
        }

        if (tokenLength > 0)
        {
            EndToken(ref window, ref tokenLength);
        }
    }

    private void EndWord(ref ulong word, ref ulong previousWord, ref int length, ref SurfaceTally tally)
    {
        AddWord((int)((word * Golden) >> (64 - WordBits)));
        if (previousWord != 0)
        {
            AddWord((int)(((word + (previousWord * 0xD6E8_FEB8_6659_FD93)) * Golden) >> (64 - WordBits)));
        }

        tally.Word(length);
        (previousWord, word, length) = (word, 0, 0);
    }

    private void EndToken(ref ulong window, ref int length)
    {
        window = (window << 16) | ' ';
        CharGrams(window, length + 2);
        (window, length) = (' ', 0);
    }

    /// <param name="window">The last four characters, 16 bits each.</param>
    /// <param name="available">How many of them belong to this token, borders included.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CharGrams(ulong window, int available)
    {
        AddChars((window & 0xFFFF_FFFF) + 0x2545_F491_4F6C_DD1D);
        if (available >= 3)
        {
            AddChars((window & 0xFFFF_FFFF_FFFF) + 0x5851_F42D_4C95_7F2D);
        }

        if (available >= 4)
        {
            AddChars(window);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddChars(ulong key)
    {
        key ^= key >> 29;
        var bucket = WordBuckets + (int)((key * Golden) >> (64 - CharBits));
        ref var count = ref _count[bucket];
        if (count == 0)
        {
            _chars[_charsUsed++] = (ushort)bucket;
            Prefetch(bucket);
        }

        count = (ushort)Math.Min(count + 1, ushort.MaxValue);
    }

    /// <summary>Only a hint to the cache: nothing is read, so an address that a collection has just moved does no harm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe void Prefetch(int bucket)
    {
        if (Sse.IsSupported && _rows.Length > 0)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_weights), bucket)));
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_rows), bucket * 64)));
        }
    }

    private void AddWord(int bucket)
    {
        ref var count = ref _count[bucket];
        if (count == 0)
        {
            _words[_wordsUsed++] = (ushort)bucket;
            Prefetch(bucket);
        }

        count = (ushort)Math.Min(count + 1, ushort.MaxValue);
    }

    /// <summary>0 symbol, 1 lower case, 2 upper case, 3 digit, 4 white space or control.</summary>
    private static ReadOnlySpan<byte> AsciiKind =>
    [
        4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
        4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0,
        0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0,
        0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 4,
    ];

    private struct SurfaceTally
    {
        private int _digits, _lines, _symbols, _upper, _code, _words, _wordChars, _questions, _options, _pieces;
        private bool _optionLetter;

        public int OtherScript;

        public readonly float Tokens => _pieces + (OtherScript * 0.7f);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Ascii(char c, byte kind, bool lineStart)
        {
            switch (kind)
            {
                case 0:
                    _pieces++;
                    _symbols += c is '=' or '+' or '-' or '*' or '/' or '^' or '\\' or '<' or '>' or '$' ? 1 : 0;
                    _code += c is '{' or '}' or ';' or '_' or '[' or ']' or '`' or '#' ? 1 : 0;
                    _questions += c == '?' ? 1 : 0;
                    _options += _optionLetter && c is '.' or ')' ? 1 : 0;
                    break;
                case 2:
                    _upper++;
                    break;
                case 3:
                    _digits++;
                    break;
                case 4:
                    _lines += c == '\n' ? 1 : 0;
                    break;
                default:
                    break;
            }

            _optionLetter = lineStart && kind is 2;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Word(int length)
        {
            _words++;
            _wordChars += length;
            _pieces += 1 + ((length - 1) / 6);
        }

        public readonly void Write(Span<float> to, int length, float scale)
        {
            var n = (length / scale) + 1;
            to[0] = MathF.Log(1 + length) / 10;
            to[1] = _digits / n;
            to[2] = MathF.Min(1, MathF.Log(1 + (_lines * scale)) / 5);
            to[3] = MathF.Min(1, _symbols / n * 5);
            to[4] = MathF.Min(1, _upper / n * 3);
            to[5] = MathF.Min(1, _code / n * 5);
            to[6] = _words == 0 ? 0 : MathF.Min(1, _wordChars / (_words * 10f));
            to[7] = MathF.Min(1, _questions / 3f);
            to[8] = MathF.Min(1, _options / 12f);
            to[9] = MathF.Min(1, OtherScript / n * 4);
        }
    }
}
