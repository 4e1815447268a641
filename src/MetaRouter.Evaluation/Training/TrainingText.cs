using System.Globalization;
using System.Text;

namespace MetaRouter.Evaluation.Training;

/// <summary>The report for people: the text beside a snapshot.</summary>
public sealed class TrainingText
{
    private readonly StringBuilder _text = new();
    private readonly TrainingReport _report;

    private TrainingText(TrainingReport report) => _report = report;

    /// <param name="report">Of the training.</param>
    /// <param name="fileName">The snapshot's.</param>
    /// <param name="date">UTC.</param>
    /// <param name="command">As it was given.</param>
    public static string Write(TrainingReport report, string fileName, DateOnly date, string command)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new TrainingText(report);
        text.Head(fileName, date, command);
        text.TrainedOn();
        text.Sources();
        text.HowWell();
        text.Prices();
        text.Latencies();
        return text._text.ToString();
    }

    private void Head(string fileName, DateOnly date, string command)
    {
        Line($"{fileName}: what MetaRouter routes by, learned from known outcomes");
        Line($"");
        Line($"version  {_report.Version}");
        Line($"size     {_report.Bytes:N0} bytes");
        Line($"trained  {date:yyyy-MM-dd} (UTC)");
        Line($"command  {command}");
        Line($"seed     {_report.Seed}");
        Line($"");
    }

    private void TrainedOn()
    {
        Line($"Trained on all of {_report.Rows:N0} different requests, {Models(_report.Models.Count)}, {_report.Cells:N0} priced outcomes:");
        foreach (var file in _report.Files)
        {
            Line($"  {file.Name}: {file.Rows:N0} rows, {Models(file.Models)}, {file.Cells:N0} outcomes");
        }

        foreach (var judged in _report.Preferences)
        {
            Line($"  {judged.File}: {judged.Judged:N0} preferences between {judged.First} and {judged.Second}, ",
                $"corrected by {judged.Graded:N0} requests on which both are graded (on average by {judged.Shift:+0.000;-0.000;0} for the first)");
        }

        if (_report.Merged > 0)
        {
            Line($"  {_report.Merged:N0} rows have the text of an earlier one and add their models to it; where both know a model, the earlier outcome stands.");
        }

        if (_report.Words is { } words)
        {
            Line($"  {words.File}: {words.Documents:N0} documents without labels, vectors of {words.Words:N0} words");
        }

        foreach (var skipped in _report.Skipped)
        {
            Line($"  not used: {skipped}");
        }

        foreach (var note in _report.Notes)
        {
            Line($"  note: {note}");
        }
    }

    private void Sources()
    {
        var sources = _report.Sources;
        if (sources.Count <= 1)
        {
            return;
        }

        Line($"");
        Line($"Sources. By which models answered them the rows fall into {sources.Count}, as of benchmarks that were joined. ",
            $"Models of one source answered the same requests: how they compare was");
        Line($"observed, and a forest of its own learned it. Models that share no source were never, or hardly ever, asked the same: ",
            $"how they compare is inferred by a linear model fitted to all rows.");
        Line($"To have it observed, let models of both answer a few hundred of the same requests.");
        foreach (var (s, source) in sources.Index())
        {
            Line($"  source {s + 1}: {source.Rows:N0} rows{(source.Files.Count > 0 ? $" ({string.Join(", ", source.Files)})" : "")}, ",
                $"{Models(source.Models.Count)}: {string.Join(", ", source.Models)}");
        }

        var known = sources.SelectMany(s => s.Models).ToHashSet(StringComparer.Ordinal);
        if (_report.Models.Where(m => !known.Contains(m.Id)).Select(m => m.Id).ToList() is { Count: > 0 } none)
        {
            Line($"  no source: {string.Join(", ", none)}: fewer than a twentieth of any source's requests, so the linear model alone judges {(none.Count == 1 ? "it" : "them")}");
        }
    }

    private void HowWell()
    {
        Line($"");
        Line($"How well. The file itself is trained on all rows, so it can no longer be measured on them. These figures are of other trainings, with the same options,");
        Line($"measured on half of a pool's rows (by a hash of the id, seed 0) that they had not seen. Gain: over the best single model, mean over lambda 0 to 1, 95 % interval.");
        Figures("Trained on the other half of that pool alone:", _report.HeldOut);
        if (_report.HeldOutTogether is { } together)
        {
            Figures("Trained as the file is, on everything but the measured halves of all pools:", together);
        }
    }

    private void Figures(string title, IReadOnlyList<HeldOutFigures> pools)
    {
        Line($"  {(pools.Count > 0 ? title : "none: there is no pool to measure on. 'metarouter evaluate P2 --data DIR --pool FILE' measures on one of yours.")}");
        foreach (var pool in pools)
        {
            Line($"    {pool.Pool} ({pool.Models} models, {pool.Rows:N0} test rows): gain {pool.Gain:0.0000} [{pool.GainCi.Low:0.0000}, ",
                $"{pool.GainCi.High:0.0000}], Brier {pool.Brier:0.0000} against {pool.ConstantBrier:0.0000} of each model's mean");
        }
    }

    private void Prices()
    {
        Line($"");
        Line($"Models, with US dollars per million prompt / completion tokens fitted to all their costs:");
        foreach (var model in _report.Models)
        {
            Line($"  {model.Id}: {model.InputUsd:0.####} / {model.OutputUsd:0.####}, {model.Outcomes:N0} outcomes{(model.Note is null ? "" : $" ({model.Note})")}");
        }
    }

    private void Latencies()
    {
        var (timed, others) = (_report.Models.Where(m => m.Timed > 0).ToList(), _report.Models.Count(m => m.Timed == 0));
        if (timed.Count > 0 && others > 0)
        {
            Line($"Latency (lat_s) is known of {string.Join(", ", timed.Select(m => $"{m.Id} ({m.Timed:N0} outcomes)"))} only; {Models(others)} ",
                $"without any {(others == 1 ? "is" : "are")} predicted to take as long as these do on average. Time all of them, or none.");
        }
    }

    private static string Models(int count) => count == 1 ? "1 model" : string.Create(CultureInfo.InvariantCulture, $"{count} models");

    /// <param name="parts">One after the other: a long line is written as several.</param>
    private void Line(params FormattableString[] parts) => _text.AppendJoin("", parts.Select(FormattableString.Invariant)).Append('\n');
}
