using System.Buffers.Binary;
using System.Text;

namespace MetaRouter.Fuzz;

/// <summary>Damages a valid input the way bad disks, cut connections, other programs and people do: one to eight changes, small ones more often.</summary>
/// <param name="seeds">Valid inputs; changes splice their parts.</param>
/// <param name="isText">JSON and HTTP: numbers, nesting and characters are attacked too.</param>
/// <param name="words">What the format gives a meaning to.</param>
internal sealed class Mutator(IReadOnlyList<byte[]> seeds, bool isText, params string[] words)
{
    private const int DeepestNesting = 2_000;

    private static readonly byte[][] Numbers = [.. new[]
    {
        "-1", "0", "-0", "1e400", "-1e400", "1e-400", "1.7e308", "NaN", "Infinity", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775808",
        "18446744073709551616", "0.1e1", "00", "1.", ".5", "0x10", "1_000", "99999999999999999999999999999999999999", "1" + new string('0', 400), "0." + new string('9', 400),
    }.Select(Encoding.UTF8.GetBytes)];

    private static readonly byte[][] Characters =
    [
        [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0x80], [0xE2, 0x82], [0xF0, 0x9F], [0xEF, 0xBB, 0xBF], [0], [0x1B, 0x5B], "\\ud800"u8.ToArray(), "\\udc00\\ud800"u8.ToArray(),
        "\\u0000"u8.ToArray(), "\\"u8.ToArray(), "\""u8.ToArray(), "\r\n"u8.ToArray(), "\n"u8.ToArray(), "\u202E"u8.ToArray(), "\U0001F469\u200D\U0001F467"u8.ToArray(), "{}"u8.ToArray(), "null"u8.ToArray(), "[]"u8.ToArray(), "\"\""u8.ToArray(), "true"u8.ToArray(), "//"u8.ToArray(),
    ];

    private static readonly byte[] Bytes = [0, 1, 0x7F, 0x80, 0xFF, (byte)'"', (byte)'{', (byte)'}', (byte)'[', (byte)',', (byte)':', (byte)'\\', (byte)'\n', (byte)' ', (byte)'0', (byte)'-'];
    private static readonly long[] Integers = [0, 1, -1, 2, 16, 63, 64, 65, 127, 128, 255, 256, 1024, 1025, 32767, 32768, 65535, 65536, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, long.MaxValue, long.MinValue];

    private readonly byte[][] _words = [.. words.Select(Encoding.UTF8.GetBytes)];

    /// <summary>A seed, changed.</summary>
    public void Draw(Chance chance, Draft draft)
    {
        draft.Set(seeds[chance.Next(seeds.Count)]);
        Change(chance, draft);
    }

    public void Change(Chance chance, Draft draft)
    {
        var changes = 1;
        while (changes < 8 && chance.OneIn(2))
        {
            changes++;
        }

        for (; changes > 0; changes--)
        {
            ChangeOnce(chance, draft);
        }
    }

    private void ChangeOnce(Chance chance, Draft draft)
    {
        if (draft.Length == 0)
        {
            draft.Set(chance.Of<byte[]>(Characters));
            return;
        }

        var at = chance.Next(draft.Length);
        var length = Math.Min(draft.Length - at, 1 << chance.Next(chance.OneIn(4) ? 12 : 5));
        switch (chance.Next(isText ? 18 : 11))
        {
            case 0 or 1:
                draft.Bytes[at] ^= (byte)(1 << chance.Next(8));
                break;
            case 2:
                draft.Bytes[at] = chance.OneIn(2) ? (byte)chance.Next(256) : chance.Of<byte>(Bytes);
                break;
            case 3 or 4:
                Overwrite(chance, draft.Bytes[at..]);
                break;
            case 5:
                draft.Replace(at, length, []);
                break;
            case 6:
                Span<byte> again = stackalloc byte[1 << 12];
                draft.Bytes.Slice(at, length).CopyTo(again);
                draft.Replace(chance.Next(draft.Length), 0, again[..length]);
                break;
            case 7:
                Span<byte> noise = stackalloc byte[1 + chance.Next(32)];
                chance.NextBytes(noise);
                draft.Replace(at, chance.Next(2) * Math.Min(noise.Length, draft.Length - at), noise);
                break;
            case 8:
                draft.Cut(at);
                break;
            case 9:
                Splice(chance, draft, at, length);
                break;
            case 10:
                draft.Replace(at, chance.OneIn(2) ? 0 : Math.Min(length, 8), _words.Length > 0 ? chance.Of<byte[]>(_words) : chance.Of<byte[]>(Characters));
                break;
            case 11 or 12:
                ReplaceNumber(chance, draft, at);
                break;
            case 13:
                Nest(chance, draft, at);
                break;
            case 14 or 15:
                draft.Replace(at, chance.Next(2), chance.Of<byte[]>(Characters));
                break;
            default:
                ReplaceValue(chance, draft, at);
                break;
        }
    }

    /// <summary>A length or count that lies.</summary>
    private static void Overwrite(Chance chance, Span<byte> bytes)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, chance.OneIn(4) ? (long)chance.NextBits() : chance.Of<long>(Integers) + chance.Next(-1, 2));
        var width = Math.Min(1 << chance.Next(4), bytes.Length);
        number = number[..width];
        if (chance.OneIn(3))
        {
            number.Reverse();
        }

        number.CopyTo(bytes);
    }

    /// <summary>Ends with the end of another, or has a part of it inside.</summary>
    private void Splice(Chance chance, Draft draft, int at, int length)
    {
        ReadOnlySpan<byte> other = seeds[chance.Next(seeds.Count)];
        if (other.IsEmpty)
        {
            return;
        }

        var from = chance.OneIn(2) ? Math.Min(at, other.Length - 1) : chance.Next(other.Length);
        if (chance.OneIn(2))
        {
            draft.Cut(at);
            draft.Append(other[from..]);
        }
        else
        {
            draft.Replace(at, length, other.Slice(from, Math.Min(length, other.Length - from)));
        }
    }

    private static void ReplaceNumber(Chance chance, Draft draft, int near)
    {
        var start = draft.Bytes[near..].IndexOfAnyInRange((byte)'0', (byte)'9');
        start = start < 0 ? near : near + start;
        var end = start;
        while (end < draft.Length && (char.IsAsciiDigit((char)draft.Bytes[end]) || draft.Bytes[end] is (byte)'.' or (byte)'-' or (byte)'e' or (byte)'E' or (byte)'+'))
        {
            end++;
        }

        draft.Replace(start, end - start, chance.Of<byte[]>(Numbers));
    }

    private static void Nest(Chance chance, Draft draft, int at)
    {
        var isArray = chance.OneIn(2);
        var open = isArray ? "["u8 : "{\"a\":"u8;
        var depth = Math.Min(1 << chance.Next(12), DeepestNesting);
        var isClosed = chance.OneIn(2);
        Span<byte> nested = new byte[depth * (open.Length + 1)];
        for (var i = 0; i < depth; i++)
        {
            open.CopyTo(nested[(i * open.Length)..]);
            nested[(depth * open.Length) + i] = (byte)(isArray ? ']' : '}');
        }

        draft.Replace(at, 0, isClosed ? nested : nested[..(depth * open.Length)]);
    }

    /// <summary>Behind a colon stands something of another kind.</summary>
    private void ReplaceValue(Chance chance, Draft draft, int near)
    {
        var colon = draft.Bytes[near..].IndexOf((byte)':');
        if (colon < 0)
        {
            return;
        }

        var start = near + colon + 1;
        var length = draft.Bytes[start..].IndexOfAny((byte)',', (byte)'}', (byte)'\n');
        var value = chance.Next(3) switch
        {
            0 => chance.Of<byte[]>(Numbers),
            1 => chance.Of<byte[]>(Characters),
            _ => _words.Length > 0 ? chance.Of<byte[]>(_words) : "[]"u8.ToArray(),
        };
        draft.Replace(start, length < 0 ? 0 : length, value);
    }
}
