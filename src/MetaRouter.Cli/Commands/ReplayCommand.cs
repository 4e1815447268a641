using System.CommandLine;
using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter replay --data FILE --user-lambda X [--models M,M,...] [--requests N] [--seed N] [--snapshot FILE] [--json] [--plain]</c></summary>
internal static class ReplayCommand
{
    public static Command Create(Terminal terminal)
    {
        var data = new Option<string>("--data") { Description = "An outcome file: .jsonl, .csv or .tsv, plain or as .gz.", Required = true, HelpName = "FILE" };
        var lambda = new Option<double>("--user-lambda")
        {
            Description = "How much the user minds cost, hidden from the router; above 0: 0.05 wants quality, 1 weighs both, 5 wants it cheap.",
            Required = true,
            HelpName = "X",
            CustomParser = NumberOption.Parse,
        };
        var models = new Option<string?>("--models") { Description = "The models to choose among. Default: all with a score and a price on at least half of the rows.", HelpName = "M,M,..." };
        var requests = new Option<int>("--requests") { Description = "How many requests the user makes; 1 or more.", DefaultValueFactory = _ => 30, HelpName = "N" };
        var seed = new Option<int>("--seed") { Description = "The same seed tells the same story.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var snapshot = new Option<string?>("--snapshot") { Description = "A trained snapshot. Default: train one on half of the file, and replay the other half.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "At the end, the whole story as one line of JSON." };
        var plain = new Option<bool>("--plain") { Description = "No colours, and only ASCII around the requests' text." };
        var command = new DocumentedCommand(
            "replay", "Replays one simulated user's story with the router, on real requests and real models' answers.",
            "replay --data traffic.jsonl.gz --user-lambda 0.05",
            "replay --data traffic.jsonl --user-lambda 5 --models gpt-4o,my-llama --requests 50")
        {
            data, lambda, models, requests, seed, snapshot, json, plain,
        };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(
            terminal.Plain(parsed.GetValue(plain)),
            new Wanted(
                parsed.GetRequiredValue(data),
                parsed.GetValue(models),
                parsed.GetValue(snapshot),
                new StoryOptions(parsed.GetRequiredValue(lambda), parsed.GetValue(requests), parsed.GetValue(seed)),
                parsed.GetValue(json),
                parsed.GetValue(plain)),
            cancellationToken)));
        return command;
    }

    private sealed record Wanted(string Data, string? Models, string? Snapshot, StoryOptions Story, bool Json, bool Plain);

    private static int Run(Terminal terminal, Wanted wanted, CancellationToken cancellationToken)
    {
        if (!(wanted.Story.UserLambda > 0 && double.IsFinite(wanted.Story.UserLambda)))
        {
            throw new BadInputException(string.Create(
                CultureInfo.InvariantCulture,
                $"--user-lambda {wanted.Story.UserLambda}: give a finite number above 0, such as 0.05 (wants quality), 1 or 5 (wants it cheap)."));
        }

        if (wanted.Story.Requests < 1)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--requests {wanted.Story.Requests}: give a number of at least 1."));
        }

        var models = wanted.Models is { } names ? ParseModels(names) : null;
        var snapshot = wanted.Snapshot is { } file ? SnapshotFile.Read(file) : null;
        var outcomes = StoryStage.Read(wanted.Data, models);
        if (outcomes.Warning is { } warning)
        {
            terminal.Error.WriteLine($"Warning: {warning}");
        }

        var stage = snapshot is not null
            ? StoryStage.Of(snapshot, outcomes.Table, wanted.Story.Seed)
            : ProgressDisplay.Run(terminal, "training", progress => StoryStage.Train(outcomes.Table, wanted.Story.Seed, new TrainingSteps(progress), cancellationToken));
        if (wanted.Story.Requests > stage.Lived.Rows)
        {
            throw new BadInputException(string.Create(
                CultureInfo.InvariantCulture,
                $"--requests {wanted.Story.Requests}: the half of '{stage.Lived.Name}' that the story asks from has {stage.Lived.Rows} rows; give at most that."));
        }

        var report = UserStory.Live(stage, wanted.Story, cancellationToken);
        new StoryDisplay(terminal.Results(), wanted.Plain).Write(report, stage);
        if (wanted.Json)
        {
            // Not through the console, which would wrap the line.
            terminal.Out.WriteLine(ReportJson.Write(report));
        }

        return ExitCodes.Success;
    }

    private static ModelId[] ParseModels(string text)
    {
        var names = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length < 2)
        {
            throw new BadInputException($"--models '{text}': routing needs at least two models, as in --models small,large.");
        }

        return [.. names.Select(n => ModelNames.Parse("--models", n))];
    }

    private sealed class TrainingSteps(IProgress<ProtocolProgress> progress) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => progress.Report(new ProtocolProgress(value.Done, value.Step));
    }
}
