namespace MetaRouter.Evaluation.Data;

/// <summary>The lines of one file that were skipped: how many, and the first few with what is wrong. A file can have millions, all for one reason.</summary>
public sealed class BadLines
{
    private const int MostKept = 8, MostTold = 3;

    // A field in the wrong column can be a whole document.
    private const int LongestProblem = 400;

    private readonly List<BadLine> _first = [];

    public int Count { get; private set; }

    /// <summary>At most 8, in the order of the file.</summary>
    public IReadOnlyList<BadLine> First => _first;

    /// <summary>"skipped 5 bad lines" and the first three of them; null: every line was good.</summary>
    public string? Skipped => Count == 0
        ? null
        : string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"skipped {Count:n0} bad {(Count == 1 ? "line" : "lines")}: {string.Join("; ", First.Take(MostTold))}{(Count > MostTold ? "; ..." : "")}");

    internal void Add(int line, string problem)
    {
        Count++;
        if (_first.Count < MostKept)
        {
            _first.Add(new BadLine(line, problem.Length > LongestProblem ? string.Concat(problem.AsSpan(0, LongestProblem), "...") : problem));
        }
    }
}
