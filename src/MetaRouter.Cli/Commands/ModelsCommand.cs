using System.CommandLine;
using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Cli.Commands;

/// <summary>
/// <c>metarouter models list [--snapshot FILE] [--json]</c> and <c>models add MODEL --input-price USD --output-price USD --out FILE [--sibling MODEL]
/// [--answers FILE] [--snapshot FILE] [--json]</c>
/// </summary>
internal static class ModelsCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("MODEL") { Description = "The newcomer's name, as requests and catalogs will call it." };
        var input = new Option<double>("--input-price") { Description = "US dollars per million prompt tokens.", Required = true, HelpName = "USD", CustomParser = NumberOption.Parse };
        var output = new Option<double>("--output-price") { Description = "US dollars per million completion tokens.", Required = true, HelpName = "USD", CustomParser = NumberOption.Parse };
        var sibling = new Option<string?>("--sibling") { Description = "The model of the snapshot that it is most like. Default: those of about its price.", HelpName = "MODEL" };
        var answers = new Option<string?>("--answers")
        {
            Description = "Graded answers of it, preferably 20 or more: JSON lines {\"query\",\"score\":0..1,\"out\"?:tokens}, or an outcome file.",
            HelpName = "FILE",
        };
        var snapshot = new Option<string?>("--snapshot") { Description = "A trained snapshot. Default: the one that ships.", HelpName = "FILE" };
        var target = new Option<string>("--out") { Description = "The snapshot to write; it may be the one that was read.", Required = true, HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "After the text, the result as one line of JSON." };
        var add = new DocumentedCommand(
            "add", "Adds a model to a snapshot without training: by its price, its sibling, and graded answers of it. Users keep what was learned of them.",
            "models add my-llama --input-price 0.05 --output-price 0.08 --out my.mrsnap",
            "models add my-llama --input-price 0.05 --output-price 0.08 --answers graded.jsonl --out my.mrsnap")
        {
            model, input, output, sibling, answers, snapshot, target, json,
        };
        add.SetAction(parsed => Run(
            terminal,
            Profile(parsed.GetRequiredValue(model), parsed.GetRequiredValue(input), parsed.GetRequiredValue(output), parsed.GetValue(sibling)),
            parsed.GetValue(answers),
            parsed.GetValue(snapshot),
            parsed.GetRequiredValue(target),
            parsed.GetValue(json)));
        var list = new DocumentedCommand(
            "list", "What a snapshot knows of each model: its prices, and how good, long and dear its answers were where it was graded.",
            "models list",
            "models list --snapshot my.mrsnap --json")
        {
            snapshot, json,
        };
        list.SetAction(parsed => List(terminal, parsed.GetValue(snapshot), parsed.GetValue(json)));
        return new Command("models", "The models that a snapshot knows.") { list, add };
    }

    private static int List(Terminal terminal, string? path, bool json)
    {
        var snapshot = path is null ? Snapshot.Default : SnapshotFile.Read(path);
        var sample = snapshot.Calibration;
        var cells = Enumerable.Range(0, sample.Model.Length).ToLookup(c => (int)sample.Model[c]);
        var rows = snapshot.Models.Select((m, i) => new
        {
            Model = m.Id.Value,
            InputPriceUsdPerMillion = m.InputPrice.Usd,
            OutputPriceUsdPerMillion = m.OutputPrice.Usd,
            Answers = cells[i].Count(),
            Score = Mean(cells[i], sample.Score),
            CompletionTokens = PriceFit.IsNominal(m) ? double.NaN : Mean(cells[i], sample.OutputTokens),
            CostUsd = m.CostUsd(Mean(cells[i], sample.InputTokens), Mean(cells[i], sample.OutputTokens)),
            IsByCall = PriceFit.IsNominal(m),
        }).OrderBy(r => r.Model, StringComparer.Ordinal).ToArray();
        new ResultTable(
            $"{rows.Length} models of snapshot {snapshot.Version:x16}",
            ["model", "prompt $/M", "completion $/M", "answers", "score", "completion tokens", "$ per 1,000"],
            [.. rows.Select(r => (string[])[
                r.Model, r.IsByCall ? "-" : ResultTable.Number(r.InputPriceUsdPerMillion, "0.####"), r.IsByCall ? "-" : ResultTable.Number(r.OutputPriceUsdPerMillion, "0.####"),
                r.Answers.ToString(CultureInfo.InvariantCulture), ResultTable.Number(r.Score, "0.000"), ResultTable.Number(r.CompletionTokens, "0"), ResultTable.Number(1000 * r.CostUsd, "0.###")])],
            "Answers, their mean score, length and cost are from the snapshot's calibration sample. Models were graded on different requests: "
                + "scores compare only where these are the same. A model that 'models add' brought is shown with its kin's answers, adjusted by what is known of it. - : it has a price per call.")
            .Write(terminal.Results());
        if (json)
        {
            terminal.Out.WriteLine(ReportJson.Write(rows));
        }

        return ExitCodes.Success;

        static double Mean(IEnumerable<int> cells, float[] values) => cells.Select(c => (double)values[c]).DefaultIfEmpty(double.NaN).Average();
    }

    private static int Run(Terminal terminal, ModelProfile model, string? answersPath, string? snapshotPath, string target, bool json)
    {
        var before = snapshotPath is null ? Snapshot.Default : SnapshotFile.Read(snapshotPath);
        if (before.Models.Any(m => m.Id == model.Id))
        {
            throw new BadInputException($"The snapshot knows '{model.Id}' already; give the newcomer another name, or train again to use more answers of it.");
        }

        if (model.Sibling is { } sibling && before.Models.All(m => m.Id != sibling))
        {
            throw new BadInputException($"--sibling {sibling}: the snapshot does not know it. It knows {string.Join(", ", before.Models.Select(m => m.Id.Value).Order(StringComparer.Ordinal))}.");
        }

        var (answers, bad) = answersPath is null ? ([], new()) : GradedAnswerReader.Read(answersPath, model.Id);
        if (bad.Skipped is { } skipped)
        {
            terminal.Error.WriteLine($"Warning: {answersPath}: {skipped}");
        }

        using var file = ReplacementFile.Create(target);
        var (started, after) = (ModelArrival.Add(before, model, []), ModelArrival.Add(before, model, answers));
        var expected = (Start: Expect(started, answers), Now: Expect(after, answers));
        file.Write(SnapshotCodec.Write(after));
        file.Commit();

        terminal.Out.WriteLine(
            $"{model.Id} joined {before.Models.Count} models, at {model.InputPrice} prompt and {model.OutputPrice} completion tokens, "
                + $"{(model.Sibling is { } kin ? $"as {kin}'s sibling" : "like models of its price")}.");
        if (answers.Count > 0)
        {
            terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Readable.Count(answers.Count, "graded answer")}: score {answers.Average(a => a.Score):0.000}; expected {expected.Start.Quality:0.000} "
                    + $"before and {expected.Now.Quality:0.000} after them, {expected.Start.Tokens:0} and {expected.Now.Tokens:0} completion tokens."));
        }
        else
        {
            terminal.Out.WriteLine("No graded answers: its quality is only assumed. Twenty answers would tell more: --answers FILE.");
        }

        terminal.Out.WriteLine($"Wrote {target}; routers read it as MetaRouter:Snapshot.");
        if (json)
        {
            terminal.Out.WriteLine(ReportJson.Write(new
            {
                Model = model.Id.Value,
                Sibling = model.Sibling?.Value,
                Answers = answers.Count,
                Skipped = bad.Count,
                Score = answers.Count > 0 ? answers.Average(a => a.Score) : (double?)null,
                Before = expected.Start.Quality,
                After = expected.Now.Quality,
                TokensBefore = expected.Start.Tokens,
                TokensAfter = expected.Now.Tokens,
                Models = after.Models.Count,
                Snapshot = after.Version.ToString("x16", CultureInfo.InvariantCulture),
            }));
        }

        return ExitCodes.Success;
    }

    /// <summary>Mean quality and completion tokens expected of the last model on the requests it was graded on; null without an answer.</summary>
    private static (double? Quality, double? Tokens) Expect(Snapshot snapshot, IReadOnlyList<GradedAnswer> answers)
    {
        if (answers.Count == 0)
        {
            return (null, null);
        }

        var pool = RoutingPool.OfSnapshot(snapshot);
        var (encoding, outcomes, tokens, projected) = (new RequestEncoding(), new Outcome[pool.Catalog.Count], new float[pool.Catalog.Count], new float[pool.Projected]);
        double quality = 0, length = 0;
        foreach (var answer in answers)
        {
            snapshot.Encoder.Encode(answer.Text, encoding);
            pool.Predict(encoding, float.NaN, outcomes, tokens, projected);
            (quality, length) = (quality + outcomes[^1].Quality, length + tokens[^1]);
        }

        return (quality / answers.Count, length / answers.Count);
    }

    private static ModelProfile Profile(string name, double input, double output, string? sibling) =>
        new(ModelNames.Parse("MODEL", name), Price("--input-price", input), Price("--output-price", output)) { Sibling = sibling is null ? null : ModelNames.Parse("--sibling", sibling) };

    private static PricePerMillionTokens Price(string option, double usd) => usd is >= 0 and <= PricePerMillionTokens.MostUsd
        ? new(usd)
        : throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"{option} {usd}: give US dollars per million tokens, 0 to {PricePerMillionTokens.MostUsd}."));
}
