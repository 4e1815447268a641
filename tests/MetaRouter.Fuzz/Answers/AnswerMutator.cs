using System.Text;

namespace MetaRouter.Fuzz.Answers;

internal enum AnswerKind
{
    Stream,
    Whole,
    Vectors,
    Refusal,
}

/// <summary>Damages what models' servers answer: as any text of JSON, and events that come elsewhere, twice or not at all; lines that end otherwise, and without an end.</summary>
/// <param name="capacity">Bytes.</param>
internal sealed class AnswerMutator(int capacity)
{
    private const int LongestRun = 40_000;

    private static readonly IReadOnlyList<RealAnswer>[] Answers = [RealAnswers.Streams, RealAnswers.Wholes, RealAnswers.Vectors, RealAnswers.Refusals];

    private readonly Draft _scratch = new(capacity);
    private readonly Mutator[] _mutators = [.. Answers.Select(a => new Mutator([.. a.Select(one => one.Bytes)], isText: true, RealAnswers.Words))];

    /// <param name="isIntact">Only the ends of its lines differ, and a mark before it.</param>
    /// <returns>Which answer it was made of.</returns>
    public int Draw(Chance chance, AnswerKind kind, bool isIntact, Draft draft)
    {
        var which = chance.Next(Answers[(int)kind].Count);
        draft.Set(Answers[(int)kind][which].Bytes);
        if (kind == AnswerKind.Stream && chance.OneIn(4))
        {
            EndLines(draft, chance.OneIn(2) ? "\r\n"u8 : "\r"u8);
        }

        if (!isIntact)
        {
            Damage(chance, kind, draft);
        }

        if (chance.OneIn(32))
        {
            draft.Replace(0, 0, Encoding.UTF8.Preamble);
        }

        return which;
    }

    private void Damage(Chance chance, AnswerKind kind, Draft draft)
    {
        for (var times = kind == AnswerKind.Stream && chance.OneIn(3) ? 1 + chance.Next(3) : 0; times > 0; times--)
        {
            MoveEvent(chance, draft);
        }

        if (chance.OneIn(64))
        {
            Span<byte> run = stackalloc byte[1 + chance.Next(LongestRun)];
            run.Fill((byte)(chance.OneIn(2) ? 'a' : '\\'));
            draft.Replace(chance.Next(draft.Length + 1), 0, run);
        }

        if (chance.OneIn(8))
        {
            draft.Cut(chance.Next(draft.Length + 1));
        }
        else if (!chance.OneIn(16))
        {
            _mutators[(int)kind].Change(chance, draft);
        }
    }

    private void MoveEvent(Chance chance, Draft draft)
    {
        var start = EventBefore(draft, chance.Next(draft.Length + 1));
        var end = draft.Bytes[start..].IndexOf("\n\n"u8) is >= 0 and var after ? start + after + 2 : draft.Length;
        _scratch.Set(draft.Bytes[start..end]);
        var (isTaken, isPut) = chance.Next(3) switch { 0 => (true, true), 1 => (false, true), _ => (true, false) };
        if (isTaken)
        {
            draft.Replace(start, end - start, []);
        }

        if (isPut)
        {
            draft.Replace(EventBefore(draft, chance.Next(draft.Length + 1)), 0, _scratch.Bytes);
        }
    }

    private static int EventBefore(Draft draft, int at) => draft.Bytes[..at].LastIndexOf("\n\n"u8) is >= 0 and var end ? end + 2 : 0;

    private void EndLines(Draft draft, ReadOnlySpan<byte> by)
    {
        _scratch.Set(draft.Bytes);
        draft.Cut(0);
        for (var i = 0; i < _scratch.Length; i++)
        {
            var isReturn = _scratch.Bytes[i] == '\r' && i + 1 < _scratch.Length && _scratch.Bytes[i + 1] == '\n';
            draft.Append(isReturn ? [] : _scratch.Bytes[i] == '\n' ? by : _scratch.Bytes[i..(i + 1)]);
        }
    }
}
