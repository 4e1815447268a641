using System.CommandLine;
using System.Globalization;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Cli.Commands;

/// <summary>
/// <c>metarouter evaluate PROTOCOL --data DIR [--pool NAME]... [--seeds N] [--published] [--ablations] [--json]</c>, or <c>all --out DIR</c> for the whole as a
/// report, or <c>--log FILE...</c> for a host's decision log.
/// </summary>
internal static class EvaluateCommand
{
    private const int MostSeeds = 1000;
    private const string All = "all";

    /// <summary>The seeds of most protocols.</summary>
    private const int Usual = 5;

    public static Command Create(Terminal terminal)
    {
        var protocol = new Argument<string?>("protocol") { Arity = ArgumentArity.ZeroOrOne, Description = "A protocol of the list below; none with --log." };
        var data = new Option<string?>("--data") { Description = "The folder of the outcome files (.jsonl, .csv or .tsv, each plain or as .gz); every protocol needs it.", HelpName = "DIR" };
        var log = new Option<string[]>("--log")
        {
            Description = "Instead of a protocol: a host's decision log; shows what other policies would have earned on it. If it was rotated, give all files, oldest first.",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
        };
        var pools = new Option<string[]>("--pool")
        {
            Description = $"{string.Join(", ", Pools.All.Select(p => p.Name))}, FILE, or FILE:MODEL,MODEL,...; may be repeated. Default: every named pool.",
            HelpName = "NAME",
        };
        var seeds = new Option<int?>("--seeds")
        {
            Description = $"Draws or splits to average over; 1 to {MostSeeds}. Default: {Usual}, "
                + $"but {string.Join(", ", EvaluationProtocols.All.Where(p => p.Seeds != Usual).Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {p.Seeds}")))}.",
            HelpName = "N",
        };
        var ablations = new Option<bool>("--ablations") { Description = "Also the shipped router with single parts removed (P1 and P2)." };
        var published = new Option<bool>("--published") { Description = "Also the methods of the papers (P1 and P2)." };
        var target = new Option<string?>("--out") { Description = "The folder of the report; required with all.", HelpName = "DIR" };
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
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(log) is { Length: > 0 } files)
            {
                return Task.FromResult(FromLog(terminal, files, parsed.GetValue(protocol), parsed.GetValue(data), parsed.GetValue(json)));
            }

            var wanted = new Wanted(
                parsed.GetValue(protocol) ?? throw new BadInputException($"Name a protocol: all, {Names}; or give a decision log with --log FILE."),
                parsed.GetValue(data),
                parsed.GetValue(pools) ?? [],
                parsed.GetValue(seeds),
                [.. LearnedRouters.Factories, .. parsed.GetValue(published) ? LearnedRouters.Published : [], .. parsed.GetValue(ablations) ? LearnedRouters.Ablations : []],
                parsed.GetValue(target),
                parsed.GetValue(only) ?? [],
                parsed.GetValue(json));
            return Task.FromResult(Run(terminal, wanted, cancellationToken));
        });
        return command;
    }

    /// <param name="Name">The protocol's, or "all".</param>
    /// <param name="Seeds">Null: as many as the protocol wants.</param>
    /// <param name="Target">The folder of the report.</param>
    /// <param name="Only">The report's protocols; none: every one.</param>
    private sealed record Wanted(string Name, string? Data, string[] Pools, int? Seeds, IReadOnlyList<Func<IOutcomeModel>> Routers, string? Target, string[] Only, bool Json);

    private static string Names => string.Join(", ", EvaluationProtocols.All.Select(p => p.Name));

    private static int FromLog(Terminal terminal, string[] files, string? protocol, string? data, bool json) => protocol is null && data is null
        ? EvaluateLog.Run(terminal, [.. files.Distinct()], json)
        : throw new BadInputException($"--log {string.Join(' ', files)} stands alone: "
            + $"leave out {(protocol is null ? "--data" : $"'{protocol}'")}; protocols are run on outcome files, not on logs.");

    private static int Run(Terminal terminal, Wanted wanted, CancellationToken cancellationToken)
    {
        if (wanted.Seeds is < 1 or > MostSeeds)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--seeds {wanted.Seeds}: give a number from 1 to {MostSeeds}."));
        }

        var protocol = EvaluationProtocols.All.FirstOrDefault(p => string.Equals(p.Name, wanted.Name, StringComparison.OrdinalIgnoreCase));
        if (protocol is null && !string.Equals(wanted.Name, All, StringComparison.OrdinalIgnoreCase))
        {
            throw new BadInputException($"Unknown protocol '{wanted.Name}'. Protocols: all, {Names}.");
        }

        var data = wanted.Data ?? throw new BadInputException("Give the folder of the outcome files with --data DIR.");
        IReadOnlyList<Pool> pools = wanted.Pools.Length > 0 ? [.. wanted.Pools.Select(p => Pools.Parse(p, data)).DistinctBy(p => p.Name)] : Pools.All;
        if (protocol is null)
        {
            var target = wanted.Target ?? throw new BadInputException("evaluate all writes a report: give its folder with --out DIR.");
            return EvaluateAll.Run(terminal, data, target, wanted.Only, pools, wanted.Seeds, cancellationToken);
        }

        Check(protocol, wanted, data);
        var result = ProgressDisplay.Run(
            terminal, protocol.Name, progress => protocol.Run(new EvaluationRequest(data, pools, wanted.Seeds ?? protocol.Seeds, wanted.Routers, progress, cancellationToken)));
        Print(terminal, result, wanted.Json);
        return ExitCodes.Success;
    }

    /// <exception cref="BadInputException">An option is given that this protocol does not have, or one that it needs is missing.</exception>
    private static void Check(EvaluationProtocol protocol, Wanted wanted, string data)
    {
        if (!protocol.HasPools && wanted.Pools.Length > 0)
        {
            throw new BadInputException($"{protocol.Name} has no pools; leave --pool out.");
        }

        if (wanted.Target is not null || wanted.Only.Length > 0)
        {
            throw new BadInputException($"{(wanted.Target is null ? "--only" : "--out")} belongs to the report of 'evaluate all'; leave it out with {protocol.Name}, which prints a table.");
        }

        if (wanted.Pools.Length == 0 && protocol.HasPools && Directory.Exists(data) && !Pools.All.Any(p => DataFolder.Has(data, p.File)))
        {
            throw new BadInputException(
                $"{data} has no file of a named pool; name pools of your own: --pool {DataFolder.Example(data) ?? "FILE"}, or with only some of its models --pool FILE:MODEL,MODEL,....");
        }
    }

    private static void Print(Terminal terminal, EvaluationResult result, bool json)
    {
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
            terminal.Out.WriteLine($"{(wanted.Untested is { } why ? $"Not put to the test, {why}" : wanted.Reached ? wanted.Clear ? "Reached" : "Reached, within noise" : "Not reached")}: {wanted.Name}: {wanted.Wanted}; measured {wanted.Measured}.");
        }

        if (json)
        {
            // Not through the console, which would wrap the line.
            terminal.Out.WriteLine(result.Json);
        }
    }
}
