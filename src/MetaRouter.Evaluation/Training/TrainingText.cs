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
        Line($"Trained on all of {report.Rows:N0} different requests, {report.Models.Count} models, {report.Cells:N0} priced outcomes:");
        foreach (var file in report.Files)
        {
            Line($"  {file.Name}: {file.Rows:N0} rows, {file.Models} models, {file.Cells:N0} outcomes");
        }

        Line($"  {report.Merged:N0} rows have the text of an earlier one and add their models to it; where both know a model, the earlier outcome stands.");
        foreach (var skipped in report.Skipped)
        {
            Line($"  not used: {skipped}");
        }

        foreach (var note in report.Notes)
        {
            Line($"  note: {note}");
        }

        Line($"");
        Line($"How well. Figures of the same training on one half of a pool's rows (halves by a hash of the id, seed 0), measured on the other half.");
        Line($"The file itself is trained on all rows, so it can no longer be measured on them.");
        foreach (var pool in report.HeldOut)
        {
            Line($"  {pool.Pool} ({pool.Models} models, {pool.Rows:N0} test rows): mean gain over the best single model {pool.Gain:0.0000} [{pool.GainCi.Low:0.0000}, {pool.GainCi.High:0.0000}], Brier {pool.Brier:0.0000} against {pool.ConstantBrier:0.0000} of each model's mean");
        }

        if (report.HeldOut.Count == 0)
        {
            Line($"  none: the data has no pool to measure on.");
        }

        Line($"");
        Line($"Models, with US dollars per million prompt / completion tokens fitted to all their costs:");
        foreach (var model in report.Models)
        {
            Line($"  {model.Id}: {model.InputUsd:0.####} / {model.OutputUsd:0.####}, {model.Outcomes:N0} outcomes{(model.Note is null ? "" : $" ({model.Note})")}");
        }

        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
