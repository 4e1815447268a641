using System.CommandLine;
using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter calibrate --strong-share 0.5 --data FILE [--strong M] [--weak M] [--snapshot FILE] [--router NAME] [--json]</c></summary>
internal static class CalibrateCommand
{
    private const string Shipped = Threshold.Shipped;

    public static Command Create(Terminal terminal)
    {
        var share = new Option<double>("--strong-share")
        {
            Description = "The share of requests that should go to the strong model, 0 to 1.",
            Required = true,
            HelpName = "X",
            CustomParser = NumberOption.Parse,
        };
        var data = new Option<string>("--data")
        {
            Description = "A sample of your requests: an outcome file, JSON lines with a query, text or prompt, or a .txt with one request a line.",
            Required = true,
            HelpName = "FILE",
        };
        var strong = new Option<string?>("--strong") { Description = "The strong model. Default: the one with the highest expected score.", HelpName = "MODEL" };
        var weak = new Option<string?>("--weak") { Description = "The weak model. Default: the cheapest.", HelpName = "MODEL" };
        var snapshot = new Option<string?>("--snapshot") { Description = "A trained snapshot. Default: the one that ships.", HelpName = "FILE" };
        var router = new Option<string>("--router")
        {
            Description = $"Whose score: {Shipped} (needs no labels), or, to compare, one that learns from the file's outcomes and no gateway serves: {string.Join(", ", Others.Select(f => f().Name))}.",
            DefaultValueFactory = _ => Shipped,
            HelpName = "NAME",
        };
        var json = new Option<bool>("--json") { Description = "After the text, the result as one line of JSON." };
        var command = new DocumentedCommand(
            "calibrate", "Finds the threshold that sends a given share of your traffic to the strong model.",
            "calibrate --strong-share 0.5 --data traffic.jsonl",
            "calibrate --strong-share 0.2 --strong gpt-4o --weak my-llama --data traffic.txt")
        {
            share, data, strong, weak, snapshot, router, json,
        };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(
            terminal,
            parsed.GetRequiredValue(share),
            parsed.GetRequiredValue(data),
            parsed.GetValue(strong) is { } s ? ModelNames.Parse("--strong", s) : null,
            parsed.GetValue(weak) is { } w ? ModelNames.Parse("--weak", w) : null,
            parsed.GetValue(snapshot),
            parsed.GetValue(router)!,
            parsed.GetValue(json),
            cancellationToken)));
        return command;
    }

    private static IEnumerable<Func<IOutcomeModel>> Others =>
        LearnedRouters.Factories.Concat(LearnedRouters.Published).Where(f => f().Name is var n && n != Shipped && !n.Contains(',', StringComparison.Ordinal));

    private static int Run(Terminal terminal, double share, string data, ModelId? strong, ModelId? weak, string? snapshot, string router, bool json, CancellationToken cancellationToken)
    {
        if (!(share is >= 0 and <= 1))
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--strong-share {share}: give a share from 0 to 1, such as 0.5."));
        }

        var threshold = router == Shipped ? FromSnapshot(terminal, share, data, strong, weak, snapshot) : FromOutcomes(terminal, share, data, strong, weak, router, cancellationToken);
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Threshold {threshold.Number}: {100 * threshold.Share:0.0} % of {threshold.Requests:n0} requests go to {threshold.Strong}, the others to {threshold.Weak}."));
        var cost = threshold.StrongIsFree ? $"{threshold.Strong} alone costs nothing"
            : double.IsNaN(threshold.CostOfStrong) ? "cost not known"
            : string.Create(CultureInfo.InvariantCulture, $"{100 * threshold.CostOfStrong:0} % of the cost of {threshold.Strong} alone");
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(router == Shipped ? "Expected" : "Measured on held-out rows")}: score {threshold.Quality:0.000}, {cost}."));
        if (threshold.Alias is null)
        {
            terminal.Out.WriteLine($"For comparison only: a gateway goes by {Shipped}'s score, against which this threshold is another share. Without --router, the threshold to serve is found.");
        }
        else
        {
            terminal.Out.WriteLine($"Model name for clients: {threshold.Alias}");
            terminal.Out.WriteLine($"Settings of their gateway: --Gateway:StrongModel {threshold.Strong} --Gateway:WeakModel {threshold.Weak}");
        }

        if (json)
        {
            terminal.Out.WriteLine(ReportJson.Write(new
            {
                threshold.Router,
                Strong = threshold.Strong.Value,
                Weak = threshold.Weak.Value,
                threshold.Value,
                threshold.Share,
                threshold.Quality,
                threshold.CostOfStrong,
                threshold.Requests,
                threshold.Alias,
            }));
        }

        return ExitCodes.Success;
    }

    private static Threshold FromSnapshot(Terminal terminal, double share, string data, ModelId? strong, ModelId? weak, string? snapshot)
    {
        var (requests, bad) = TrafficReader.Read(data);
        if (bad.Skipped is { } skipped)
        {
            terminal.Error.WriteLine($"Warning: {data}: {skipped}");
        }

        return Threshold.OfSnapshot(snapshot is null ? Snapshot.Default : SnapshotFile.Read(snapshot), requests, strong, weak, share);
    }

    private static Threshold FromOutcomes(Terminal terminal, double share, string data, ModelId? strong, ModelId? weak, string router, CancellationToken cancellationToken)
    {
        var create = Others.FirstOrDefault(f => f().Name == router)
            ?? throw new BadInputException($"Unknown router '{router}'. Routers: {Shipped}, {string.Join(", ", Others.Select(f => f().Name))}.");
        if (strong is not { } s || weak is not { } w || s == w)
        {
            throw new BadInputException($"--router {router} learns from outcomes: name two models of the file with --strong and --weak.");
        }

        var file = OutcomeReader.Read(data, new OutcomeReadOptions { Models = [w, s], CompleteRowsOnly = true });
        if (file.Warning is { } warning)
        {
            terminal.Error.WriteLine($"Warning: {warning}");
        }

        return Threshold.OfRouter(create, file.Table, share, 0, cancellationToken);
    }
}
