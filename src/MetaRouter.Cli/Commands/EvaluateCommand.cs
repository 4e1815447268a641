using System.CommandLine;
using System.Globalization;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter evaluate PROTOCOL --data DIR [--pool NAME]... [--seeds N] [--published] [--ablations] [--json]</c></summary>
internal static class EvaluateCommand
{
    private const int MostSeeds = 1000;

    public static Command Create(Terminal terminal)
    {
        var protocol = new Argument<string>("protocol") { Description = string.Join("; ", EvaluationProtocols.All.Select(p => $"{p.Name}: {p.Description}")) };
        var data = new Option<string>("--data") { Description = "The folder of the outcome files.", Required = true, HelpName = "DIR" };
        var pools = new Option<string[]>("--pool") { Description = $"{string.Join(", ", Pools.All.Select(p => p.Name))}, or FILE:MODEL,MODEL,...; may be repeated. Default: every named pool.", HelpName = "NAME" };
        var seeds = new Option<int?>("--seeds") { Description = "Draws or splits to average over. Default: the protocol's own number.", HelpName = "N" };
        var ablations = new Option<bool>("--ablations") { Description = "Also what ships with a part taken away (P1 and P2)." };
        var published = new Option<bool>("--published") { Description = "Also the methods of the papers (P1 and P2)." };
        var json = new Option<bool>("--json") { Description = "After the tables, the result as one line of JSON." };
        var command = new Command("evaluate", "Runs a benchmark protocol and prints its table.") { protocol, data, pools, seeds, published, ablations, json };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(
            terminal,
            parsed.GetRequiredValue(protocol),
            parsed.GetRequiredValue(data),
            parsed.GetValue(pools) ?? [],
            parsed.GetValue(seeds),
            [.. LearnedRouters.Factories, .. parsed.GetValue(published) ? LearnedRouters.Published : [], .. parsed.GetValue(ablations) ? LearnedRouters.Ablations : []],
            parsed.GetValue(json),
            cancellationToken)));
        return command;
    }

    private static int Run(Terminal terminal, string name, string data, string[] poolNames, int? seeds, IReadOnlyList<Func<IOutcomeModel>> routers, bool json, CancellationToken cancellationToken)
    {
        var protocol = EvaluationProtocols.All.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase))
            ?? throw new BadInputException($"Unknown protocol '{name}'. Protocols: {string.Join(", ", EvaluationProtocols.All.Select(p => p.Name))}.");
        if (seeds is < 1 or > MostSeeds)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--seeds {seeds}: give a number from 1 to {MostSeeds}."));
        }

        if (!protocol.HasPools && poolNames.Length > 0)
        {
            throw new BadInputException($"{protocol.Name} has no pools; leave --pool out.");
        }

        IReadOnlyList<Pool> pools = poolNames.Length > 0 ? [.. poolNames.Select(Pools.Parse).DistinctBy(p => p.Name)] : Pools.All;
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

        if (json)
        {
            // Not through the console, which would fold the line.
            terminal.Out.WriteLine(result.Json);
        }

        return ExitCodes.Success;
    }
}
