using System.CommandLine;
using System.Globalization;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Training;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter train --data DIR --out FILE [--pool NAME]... [--seed N] [--json]</c></summary>
internal static class TrainCommand
{
    public static Command Create(Terminal terminal)
    {
        var data = new Option<string>("--data")
        {
            Description = "The folder of the outcome files (.jsonl, .csv or .tsv, each plain or as .gz); docs/your-data.md has their format.",
            Required = true,
            HelpName = "DIR",
        };
        var target = new Option<string>("--out") { Description = "The snapshot to write; a .txt file of the same name beside it says what is in it.", Required = true, HelpName = "FILE" };
        var pools = new Option<string[]>("--pool")
        {
            Description = $"{string.Join(", ", Pools.All.Select(p => p.Name))}, FILE, or FILE:MODEL,MODEL,...; may be repeated. Default: every outcome of the folder.",
            HelpName = "NAME",
        };
        var seed = new Option<int>("--seed") { Description = "The same data, pools and seed give the same bytes.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "After the text, the report as one line of JSON." };
        var command = new DocumentedCommand(
            "train", "Learns a snapshot, which routers serve from, from known outcomes; preference labels in the folder are corrected by the grades and added to them.",
            "train --data outcomes/ --out my.mrsnap",
            "train --data outcomes/ --pool traffic.jsonl:gpt-4o,my-llama --out my.mrsnap")
        {
            data, target, pools, seed, json,
        };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(
            terminal,
            parsed.GetRequiredValue(data),
            parsed.GetRequiredValue(target),
            parsed.GetValue(pools) ?? [],
            parsed.GetValue(seed),
            parsed.GetValue(json),
            "metarouter " + string.Join(' ', parsed.Tokens.Select(t => ShellWord.Of(t.Value))),
            cancellationToken)));
        return command;
    }

    private static int Run(Terminal terminal, string data, string target, string[] poolNames, int seed, bool json, string commandLine, CancellationToken cancellationToken)
    {
        Pool[] pools = [.. poolNames.Select(p => Pools.Parse(p, data)).DistinctBy(p => p.Name)];
        var textPath = Path.ChangeExtension(target, ".txt");
        if (string.Equals(Path.GetFullPath(textPath), Path.GetFullPath(target), StringComparison.OrdinalIgnoreCase))
        {
            throw new BadInputException($"--out {target}: the text file has that name; give the snapshot another extension, as in {Path.ChangeExtension(target, ".mrsnap")}.");
        }

        // Opened before the training: minutes of work must not end in a folder that cannot be written.
        using var snapshotFile = ReplacementFile.Create(target);
        using var textFile = ReplacementFile.Create(textPath);
        var (snapshot, report) = ProgressDisplay.Run(terminal, "train", progress => SnapshotTraining.Run(data, pools, seed, progress, cancellationToken));
        var text = TrainingText.Write(report, Path.GetFileName(target), DateOnly.FromDateTime(terminal.Clock.GetUtcNow().UtcDateTime), commandLine);
        snapshotFile.Write(snapshot);
        textFile.Write(System.Text.Encoding.UTF8.GetBytes(text));
        snapshotFile.Commit();
        textFile.Commit();

        foreach (var note in report.Notes)
        {
            terminal.Error.WriteLine($"Warning: {note}");
        }

        terminal.Out.Write(text);
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Wrote {target} and {textPath}."));
        if (json)
        {
            terminal.Out.WriteLine(ReportJson.Write(report));
        }

        return ExitCodes.Success;
    }
}
