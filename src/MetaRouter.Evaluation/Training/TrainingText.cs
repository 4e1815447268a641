using System.Globalization;
using System.Text;

namespace MetaRouter.Evaluation.Training;

/// <summary>The report for people: the text beside a snapshot.</summary>
public static class TrainingText
{
    /// <param name="date">UTC.</param>
    /// <param name="command">As it was given.</param>
    public static string Write(TrainingReport report, string fileName, DateOnly date, string command)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        Line($"{fileName}: what MetaRouter routes by, learned from known outcomes");
        Line($"");
        Line($"version  {report.Version}");
        Line($"size     {report.Bytes:N0} bytes");
        Line($"trained  {date:yyyy-MM-dd} (UTC)");
        Line($"command  {command}");
        Line($"seed     {report.Seed}");
        Line($"");
        Line($"Trained on all of {report.Rows:N0} different requests, {Models(report.Models.Count)}, {report.Cells:N0} priced outcomes:");
        foreach (var file in report.Files)
        {
            Line($"  {file.Name}: {file.Rows:N0} rows, {Models(file.Models)}, {file.Cells:N0} outcomes");
        }

        foreach (var judged in report.Preferences)
        {
            Line($"  {judged.File}: {judged.Judged:N0} preferences between {judged.First} and {judged.Second}, corrected by {judged.Graded:N0} requests on which both are graded (on average by {judged.Shift:+0.000;-0.000;0} for the first)");
        }

        if (report.Merged > 0)
        {
            Line($"  {report.Merged:N0} rows have the text of an earlier one and add their models to it; where both know a model, the earlier outcome stands.");
        }

        if (report.Words is { } words)
        {
            Line($"  {words.File}: {words.Documents:N0} documents without labels, vectors of {words.Words:N0} words");
        }

        foreach (var skipped in report.Skipped)
        {
            Line($"  not used: {skipped}");
        }

        foreach (var note in report.Notes)
        {
            Line($"  note: {note}");
        }

        if (report.Sources.Count > 1)
        {
            Sources(report.Sources);
        }

        Line($"");
        Line($"How well. The file itself is trained on all rows, so it can no longer be measured on them. These figures are of other trainings, with the same options,");
        Line($"measured on half of a pool's rows (by a hash of the id, seed 0) that they had not seen. Gain: over the best single model, mean over lambda 0 to 1, 95 % interval.");
        Figures("Trained on the other half of that pool alone:", report.HeldOut);
        if (report.HeldOutTogether is { } together)
        {
            Figures("Trained as the file is, on everything but the measured halves of all pools:", together);
        }

        Line($"");
        Line($"Models, with US dollars per million prompt / completion tokens fitted to all their costs:");
        foreach (var model in report.Models)
        {
            Line($"  {model.Id}: {model.InputUsd:0.####} / {model.OutputUsd:0.####}, {model.Outcomes:N0} outcomes{(model.Note is null ? "" : $" ({model.Note})")}");
        }

        var (timed, others) = (report.Models.Where(m => m.Timed > 0).ToList(), report.Models.Count(m => m.Timed == 0));
        if (timed.Count > 0 && others > 0)
        {
            Line($"Latency (lat_s) is known of {string.Join(", ", timed.Select(m => $"{m.Id} ({m.Timed:N0} outcomes)"))} only; {Models(others)} without any {(others == 1 ? "is" : "are")} predicted to take as long as these do on average. Time all of them, or none.");
        }

        return text.ToString();

        void Sources(IReadOnlyList<TrainingSource> sources)
        {
            Line($"");
            Line($"Sources. By which models answered them the rows fall into {sources.Count}, as of benchmarks that were joined. Models of one source answered the same requests: how they compare was");
            Line($"observed, and a forest of its own learned it. Models that share no source were never, or hardly ever, asked the same: how they compare is inferred by a linear model fitted to all rows.");
            Line($"To have it observed, let models of both answer a few hundred of the same requests.");
            foreach (var (s, source) in sources.Index())
            {
                Line($"  source {s + 1}: {source.Rows:N0} rows{(source.Files.Count > 0 ? $" ({string.Join(", ", source.Files)})" : "")}, {Models(source.Models.Count)}: {string.Join(", ", source.Models)}");
            }

            var known = sources.SelectMany(s => s.Models).ToHashSet(StringComparer.Ordinal);
            if (report.Models.Where(m => !known.Contains(m.Id)).Select(m => m.Id).ToList() is { Count: > 0 } none)
            {
                Line($"  no source: {string.Join(", ", none)}: fewer than a twentieth of any source's requests, so the linear model alone judges {(none.Count == 1 ? "it" : "them")}");
            }
        }

        void Figures(string title, IReadOnlyList<HeldOutFigures> pools)
        {
            Line($"  {(pools.Count > 0 ? title : "none: there is no pool to measure on. 'metarouter evaluate P2 --data DIR --pool FILE' measures on one of yours.")}");
            foreach (var pool in pools)
            {
                Line($"    {pool.Pool} ({pool.Models} models, {pool.Rows:N0} test rows): gain {pool.Gain:0.0000} [{pool.GainCi.Low:0.0000}, {pool.GainCi.High:0.0000}], Brier {pool.Brier:0.0000} against {pool.ConstantBrier:0.0000} of each model's mean");
            }
        }

        static string Models(int count) => count == 1 ? "1 model" : string.Create(CultureInfo.InvariantCulture, $"{count} models");

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
