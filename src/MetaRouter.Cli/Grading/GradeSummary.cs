using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Grading;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Cli.Grading;

/// <summary>What came of the grading, earlier runs over the same file included, and what to type next.</summary>
internal sealed class GradeSummary(string file, IReadOnlyList<GradingPrompt> prompts, IReadOnlyList<ModelId> models, IReadOnlyList<GradedCell> cells, GradingRun run, Purse purse, IReadOnlyDictionary<ModelId, ModelProfile> prices)
{
    private const int MostTold = 3, Least = 20;

    private readonly GradedRow[] _rows = Rows(prompts, models, cells, run);

    /// <param name="Seconds">Mean, as <paramref name="OutputTokens"/> and <paramref name="CostUsd"/> are; NaN: not known.</param>
    /// <param name="LeftOut">In this run.</param>
    private sealed record GradedRow(ModelId Model, int Answers, double Score, Interval? Interval, double CostUsd, double OutputTokens, double Seconds, int LeftOut);

    /// <exception cref="BadInputException">Nothing was graded, now or earlier.</exception>
    public void Warn(Terminal terminal, int asked, double? mostUsd)
    {
        var told = string.Join("; ", run.LeftOut.Take(MostTold).Select(l => $"'{l.Model}' to the prompt of line {l.Prompt.Line}: {l.Why.TrimEnd('.')}")) + (run.LeftOut.Count > MostTold ? "; ..." : "");
        if (_rows.Sum(r => r.Answers) == 0)
        {
            throw new BadInputException(run.IsOutOfMoney ? Money() : $"No answer was graded. {told}.");
        }

        Say(!run.LeftOut.IsEmpty, $"{Readable.Count(run.LeftOut.Count, "answer")} of {asked:n0} left out; the same command asks for them again. {told}.");
        Say(run.Cut > 0, $"{Readable.Count(run.Cut, "answer")} reached the limit of tokens, and {(run.Cut == 1 ? "was" : "were")} graded as far as {(run.Cut == 1 ? "it" : "they")} went; see --max-tokens.");
        Say(run.IsOutOfMoney, Money());
        var unpriced = _rows.Where(r => double.IsNaN(r.CostUsd) && r.Answers > 0).Select(r => r.Model.Value).ToArray();
        Say(unpriced.Length > 0, $"what answers of {string.Join(", ", unpriced)} cost is not known: training and evaluating pass them over. Give their prices with --price, and another --out.");

        string Money() => string.Create(CultureInfo.InvariantCulture, $"--max-cost-usd {mostUsd}: the next call could cost more than is left, so the run ended; {Dollars.Text(purse.SpentUsd)} have been spent. The same command goes on, with as much again.");

        void Say(bool applies, string what)
        {
            if (applies)
            {
                terminal.Error.WriteLine($"Warning: {what}");
            }
        }
    }

    public void Write(Terminal terminal)
    {
        new ResultTable(
            $"{Readable.Count(prompts.Count, "prompt")} in {file}",
            ["model", "answers", "mean score", "$ per 1,000", "completion tokens", "seconds", "left out"],
            [.. _rows.Select(r => (string[])[
                r.Model.Value, r.Answers.ToString(CultureInfo.InvariantCulture), ResultTable.Number(r.Score, r.Interval, "0.000"), ResultTable.Number(1000 * r.CostUsd, "0.####"),
                ResultTable.Number(r.OutputTokens, "0"), ResultTable.Number(r.Seconds, "0.00"), r.LeftOut.ToString(CultureInfo.InvariantCulture)])],
            string.Create(CultureInfo.InvariantCulture, $"Brackets: 95 % intervals over prompts. This run cost {Dollars.Text(purse.SpentUsd)}, judging included{(purse.IsPartly ? ", as far as prices are known" : "")}.")).Write(terminal.Results());
        var next = Next().ToArray();
        if (next.Length > 0)
        {
            terminal.Out.WriteLine("Next:");
            foreach (var line in next)
            {
                terminal.Out.WriteLine($"  metarouter {line}");
            }
        }
    }

    public string ToJson() => ReportJson.Write(new { File = file, Prompts = prompts.Count, SpentUsd = purse.SpentUsd, run.Cut, run.IsOutOfMoney, Models = _rows.Select(r => new { Model = r.Model.Value, r.Answers, r.Score, r.Interval, r.CostUsd, r.OutputTokens, r.Seconds, r.LeftOut }) });

    private IEnumerable<string> Next()
    {
        var folder = Path.GetDirectoryName(file) is { Length: > 0 } path ? path : ".";
        var whole = _rows.Where(r => r.Answers > 0 && !double.IsNaN(r.CostUsd)).ToArray();
        if (whole.Length > 1 && whole.Min(r => r.Answers) >= Split.LeastRows)
        {
            yield return $"evaluate P2 --data {ShellWord.Of(folder)} --pool {ShellWord.Of($"{Path.GetFileNameWithoutExtension(file)}:{string.Join(',', whole.Select(r => r.Model))}")}";
        }

        if (whole.Length > 1 && whole.Min(r => r.Answers) >= Least)
        {
            yield return $"train --data {ShellWord.Of(folder)} --out my.mrsnap";
        }

        foreach (var row in _rows.Where(r => r.Answers > 0 && Snapshot.Default.Models.All(m => m.Id != r.Model)))
        {
            var (input, output) = prices.TryGetValue(row.Model, out var price) ? (Usd(price.InputPrice), Usd(price.OutputPrice)) : ("USD", "USD");
            yield return $"models add {ShellWord.Of(row.Model.Value)} --input-price {input} --output-price {output} --answers {ShellWord.Of(file)} --out more.mrsnap";
        }

        static string Usd(PricePerMillionTokens price) => price.Usd.ToString("0.##########", CultureInfo.InvariantCulture);
    }

    private static GradedRow[] Rows(IReadOnlyList<GradingPrompt> prompts, IReadOnlyList<ModelId> models, IReadOnlyList<GradedCell> cells, GradingRun run)
    {
        var asked = prompts.Select(p => p.Query).ToHashSet(StringComparer.Ordinal);
        var of = cells.Where(c => asked.Contains(c.Query)).DistinctBy(c => (c.Query, c.Model)).ToLookup(c => c.Model);
        return [.. models.Select(m =>
        {
            double[] scores = [.. of[m].Select(c => c.Score)];
            return new GradedRow(m, scores.Length, Mean(scores), scores.Length > 1 ? new Bootstrap(1).Mean(scores) : null, Mean(of[m].Select(c => c.CostUsd)), Mean(of[m].Select(c => c.OutputTokens)), Mean(of[m].Select(c => c.Seconds)), run.LeftOut.Count(l => l.Model == m));
        })];

        static double Mean(IEnumerable<double> values) => values.Where(v => !double.IsNaN(v)).DefaultIfEmpty(double.NaN).Average();
    }
}
