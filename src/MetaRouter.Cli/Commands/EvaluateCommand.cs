using System.CommandLine;
using System.Globalization;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter evaluate PROTOCOL --data DIR [--pool NAME]... [--seeds N] [--published] [--ablations] [--json]</c>, or <c>all --out DIR</c> for the whole as a report, or <c>--log FILE...</c> for a host's decision log.</summary>
internal static class EvaluateCommand
{
    private const int MostSeeds = 1000;
    private const string All = "all";

    /// <summary>The seeds of most protocols.</summary>
    private const int Usual = 5;

    public static Command Create(Terminal terminal)
    {
        var protocol = new Argument<string?>("protocol") { Arity = ArgumentArity.ZeroOrOne, Description = "Which one, of the list below; none with --log." };
        var data = new Option<string?>("--data") { Description = "The folder of the outcome files (.jsonl, .csv or .tsv, each plain or as .gz); every protocol needs it.", HelpName = "DIR" };
        var log = new Option<string[]>("--log") { Description = "Instead of a protocol: a host's decision log; tells what other policies would have earned on it. Of one that was rotated all files, the oldest first.", HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
        var pools = new Option<string[]>("--pool") { Description = $"{string.Join(", ", Pools.All.Select(p => p.Name))}, FILE, or FILE:MODEL,MODEL,...; may be repeated. Default: every named pool.", HelpName = "NAME" };
        var seeds = new Option<int?>("--seeds") { Description = $"Draws or splits to average over; 1 to {MostSeeds}. Default: {Usual}, but {string.Join(", ", EvaluationProtocols.All.Where(p => p.Seeds != Usual).Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {p.Seeds}")))}.", HelpName = "N" };
        var ablations = new Option<bool>("--ablations") { Description = "Also what ships with a part taken away (P1 and P2)." };
        var published = new Option<bool>("--published") { Description = "Also the methods of the papers (P1 and P2)." };
        var target = new Option<string?>("--out") { Description = "With all, which needs it: the folder of the report.", HelpName = "DIR" };
        var only = new Option<string[]>("--only") { Description = "With all: only this protocol; may be repeated. Default: every one.", HelpName = "NAME" };
        var json = new Option<bool>("--json") { Description = "After the tables, the result as one line of JSON." };
        var command = new DocumentedCommand(
            "evaluate", "Runs a benchmark protocol and prints its table.",
            "evaluate P2 --data outcomes/",
            "evaluate P2 --data outcomes/ --pool traffic.jsonl",
            "evaluate P2 --data outcomes/ --pool traffic.jsonl:gpt-4o,my-llama",
            "evaluate all --data outcomes/ --out report/",
            "evaluate --log decisions.ndjson")
        {
            protocol, data, log, pools, seeds, published, ablations, target, only, json,
        };
        command.Names = [(All, "every protocol, as a report"), .. EvaluationProtocols.All.Select(p => (p.Name, p.Description))];
        command.NamesHeading = "Protocols";
        command.SetAction((parsed, cancellationToken) => Task.FromResult(parsed.GetValue(log) is { Length: > 0 } files ? FromLog(terminal, files, parsed.GetValue(protocol), parsed.GetValue(data), parsed.GetValue(json)) : Run(
            terminal,
            parsed.GetValue(protocol) ?? throw new BadInputException($"Name a protocol: all, {Names}; or give a decision log with --log FILE."),
            parsed.GetValue(data),
            parsed.GetValue(pools) ?? [],
            parsed.GetValue(seeds),
            [.. LearnedRouters.Factories, .. parsed.GetValue(published) ? LearnedRouters.Published : [], .. parsed.GetValue(ablations) ? LearnedRouters.Ablations : []],
            parsed.GetValue(target),
            parsed.GetValue(only) ?? [],
            parsed.GetValue(json),
            cancellationToken)));
        return command;
    }

    private static string Names => string.Join(", ", EvaluationProtocols.All.Select(p => p.Name));

    private static int FromLog(Terminal terminal, string[] files, string? protocol, string? data, bool json) => protocol is null && data is null
        ? EvaluateLog.Run(terminal, [.. files.Distinct()], json)
        : throw new BadInputException($"--log {string.Join(' ', files)} stands alone: leave out {(protocol is null ? "--data" : $"'{protocol}'")}; protocols are run on outcome files, not on logs.");

    private static int Run(Terminal terminal, string name, string? folder, string[] poolNames, int? seeds, IReadOnlyList<Func<IOutcomeModel>> routers, string? target, string[] only, bool json, CancellationToken cancellationToken)
    {
        if (seeds is < 1 or > MostSeeds)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--seeds {seeds}: give a number from 1 to {MostSeeds}."));
        }

        var protocol = EvaluationProtocols.All.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase));
        if (protocol is null && !string.Equals(name, All, StringComparison.OrdinalIgnoreCase))
        {
            throw new BadInputException($"Unknown protocol '{name}'. Protocols: all, {Names}.");
        }

        var data = folder ?? throw new BadInputException("Give the folder of the outcome files with --data DIR.");
        IReadOnlyList<Pool> pools = poolNames.Length > 0 ? [.. poolNames.Select(p => Pools.Parse(p, data)).DistinctBy(p => p.Name)] : Pools.All;
        if (protocol is null)
        {
            return EvaluateAll.Run(terminal, data, target ?? throw new BadInputException("evaluate all writes a report: give its folder with --out DIR."), only, pools, seeds, cancellationToken);
        }

        if (!protocol.HasPools && poolNames.Length > 0)
        {
            throw new BadInputException($"{protocol.Name} has no pools; leave --pool out.");
        }

        if (target is not null || only.Length > 0)
        {
            throw new BadInputException($"{(target is null ? "--only" : "--out")} is of the report that 'evaluate all' writes; leave it out with {protocol.Name}, whose table is printed.");
        }

        if (poolNames.Length == 0 && protocol.HasPools && Directory.Exists(data) && !Pools.All.Any(p => DataFolder.Has(data, p.File)))
        {
            throw new BadInputException($"{data} has no file of a named pool; name pools of your own: --pool {DataFolder.Example(data) ?? "FILE"}, or with some of its models alone --pool FILE:MODEL,MODEL,....");
        }

        var result = ProgressDisplay.Run(terminal, protocol.Name, progress => protocol.Run(new EvaluationRequest(data, pools, seeds ?? protocol.Seeds, routers, progress, cancellationToken)));

        foreach (var warning in result.Warnings)
        {
            terminal.Error.WriteLine($"Warning: {warning}");
        }

        var console = terminal.Results();
        foreach (var table in result.Tables)
        {
            table.Write(console);
        }

        foreach (var wanted in result.Targets)
        {
            terminal.Out.WriteLine($"{(wanted.Reached ? "Reached" : "Not reached")}: {wanted.Name}: {wanted.Wanted}; measured {wanted.Measured}.");
        }

        if (json)
        {
            // Not through the console, which would fold the line.
            terminal.Out.WriteLine(result.Json);
        }

        return ExitCodes.Success;
    }
}
