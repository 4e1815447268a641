using System.Globalization;
using System.Text;
using MetaRouter.Evaluation.Report;

namespace MetaRouter.Benchmarks;

/// <summary>What <c>infra/bench/all.sh</c> measured, told: lines to read, a page, and pictures. Of several rounds the middle one; what a gateway adds is taken within each round.</summary>
internal sealed class GatewayPage
{
    private const string Direct = "direct", Portkey = "portkey", Saturated = "saturated-64", SaturatedFewer = "saturated-16", Paced = "paced-16";

    private static readonly (string Way, string Name)[] Names = [(Direct, "the upstream, directly"), ("sqlite", "MetaRouter, SQLite"), ("redis", "MetaRouter, Redis"), (Portkey, "Portkey's gateway")];

    private readonly Dictionary<(string Kind, string Way), List<Round>> _rounds = [];
    private readonly string _pace, _circumstances;

    /// <param name="lines">Kind, way, requests/s, p50 ms, p99 ms, failed, processor us a request: one line a round.</param>
    /// <param name="pace">Requests a second of the paced rounds.</param>
    /// <param name="circumstances">When and on what, for the page's head.</param>
    /// <exception cref="FormatException">A line that is not of that form.</exception>
    public GatewayPage(IEnumerable<string> lines, string pace, string circumstances)
    {
        (_pace, _circumstances) = (pace, circumstances);
        foreach (var line in lines)
        {
            if (line.Split(' ') is not [var kind, var way, var rate, var p50, var p99, var failed, var cpu])
            {
                throw new FormatException($"'{line}' is no result; it should be kind, way, requests/s, p50, p99, failed and microseconds, with blanks between.");
            }

            if (!_rounds.TryGetValue((kind, way), out var rounds))
            {
                _rounds[(kind, way)] = rounds = [];
            }

            rounds.Add(new Round(Number(rate), Number(p50), Number(p99), Number(failed), Number(cpu)));
        }
    }

    private sealed record Round(double Rate, double P50, double P99, double Failed, double CpuMicroseconds);

    private IEnumerable<(string Way, string Name)> Ways(string kind) => Names.Where(n => _rounds.ContainsKey((kind, n.Way)));

    /// <summary>For a terminal, and for whoever looks for a figure by its name.</summary>
    public string Lines()
    {
        var text = new StringBuilder();
        foreach (var kind in (string[])[Saturated, SaturatedFewer, Paced])
        {
            text.Append(CultureInfo.InvariantCulture, $"{Described(kind)}\n");
            foreach (var (way, name) in Ways(kind))
            {
                text.Append(CultureInfo.InvariantCulture, $"  {name,-24} {Middle(kind, way, r => r.Rate),8:0} requests/s, p50 {Middle(kind, way, r => r.P50):0.00} ms, p99 {Middle(kind, way, r => r.P99):0.00} ms, failed {Failed(kind, way):0}{Cpu(kind, way)}\n");
            }
        }

        foreach (var (way, name) in Ways(Saturated).Where(w => w.Way is not (Direct or Portkey)))
        {
            foreach (var to in ((string[])[Direct, Portkey]).Where(t => _rounds.ContainsKey((Saturated, t))))
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}, ratios to {to}: requests/s {Ratio(Saturated, way, to, r => r.Rate)}, p99 {Ratio(Saturated, way, to, r => r.P99)}\n");
            }
        }

        foreach (var (way, name) in Ways(Paced).Where(w => w.Way != Direct))
        {
            text.Append(CultureInfo.InvariantCulture, $"added latency at 16 connections, {name}: p50 {Added(Paced, way, r => r.P50):0.00} ms, p99 {Added(Paced, way, r => r.P99):0.00} ms\n");
        }

        return text.Append(_circumstances).Append('\n').ToString();
    }

    public string Markdown(string pictures)
    {
        var text = new StringBuilder("# The gateway beside a direct call and another gateway\n\n");
        text.Append(CultureInfo.InvariantCulture, $"By `bash infra/bench/all.sh docs/results/gateway.md`: {_circumstances}. The same mock upstream, the same non-streaming requests; the ways take turns, of the rounds the middle one is told, and of ratios and of what is added the middle one of those within each round. MetaRouter routes by what it has learned, among three models, with its console and metrics on; Portkey's gateway (npm `@portkey-ai/gateway` 1.15.2) hands on. A way that cannot take half as many again as the pace is left out of the paced rounds: its queue would be measured.\n");
        foreach (var kind in (string[])[Saturated, SaturatedFewer, Paced])
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {Described(kind)}\n\n| | requests/s | p50 ms | p99 ms | added p50 | added p99 | failed | processor, us a request | requests/s, of the direct call's | times Portkey's | p99, times the direct call's | of Portkey's |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
            foreach (var (way, name) in Ways(kind))
            {
                var cpu = Middle(kind, way, r => r.CpuMicroseconds);
                text.Append(CultureInfo.InvariantCulture, $"| {name} | {Middle(kind, way, r => r.Rate):N0} | {Middle(kind, way, r => r.P50):0.00} | {Middle(kind, way, r => r.P99):0.00} | {(way == Direct ? "" : Added(kind, way, r => r.P50).ToString("0.00", CultureInfo.InvariantCulture))} | {(way == Direct ? "" : Added(kind, way, r => r.P99).ToString("0.00", CultureInfo.InvariantCulture))} | {Failed(kind, way):0} | {(cpu > 0 ? cpu.ToString("0", CultureInfo.InvariantCulture) : "")} | {(kind == Paced ? "" : Ratio(kind, way, Direct, r => r.Rate))} | {(kind == Paced ? "" : Ratio(kind, way, Portkey, r => r.Rate))} | {Ratio(kind, way, Direct, r => r.P99)} | {Ratio(kind, way, Portkey, r => r.P99)} |\n");
            }
        }

        foreach (var figure in Figures())
        {
            text.Append(CultureInfo.InvariantCulture, $"\n![{figure.Caption}]({pictures}/{figure.Id}.svg)\n");
        }

        return text.ToString();
    }

    public IReadOnlyList<Figure> Figures()
    {
        var rates = new WhiskerChart("Requests a second, 64 connections", "load, gateway and upstream on the same cores", [.. Ways(Saturated).Select(w => new Whisker(w.Name, RoleOf(w.Way), Middle(Saturated, w.Way, r => r.Rate), double.NaN, double.NaN))], 0, "#,0");
        var latencies = new WhiskerChart($"Latency at {_pace} requests a second, 16 connections", "milliseconds: p50 as a dot, the line to p99", [.. Ways(Paced).Select(w => (w.Name, Role: RoleOf(w.Way), P50: Middle(Paced, w.Way, r => r.P50), P99: Middle(Paced, w.Way, r => r.P99))).Select(w => new Whisker(w.Name, w.Role, w.P50, w.P50, w.P99))], 0, "0.00");
        return
        [
            new Figure("gateway-rate", "Further right is better: requests a second with as many as the machine can take.", rates.ToSvg),
            new Figure("gateway-latency", "Further left is better: what a request takes when none waits for another.", latencies.ToSvg),
        ];
    }

    private string Described(string kind) => kind switch
    {
        Saturated => "As many requests as the machine can take, 64 connections",
        SaturatedFewer => "As many requests as the machine can take, 16 connections",
        _ => $"{_pace} requests a second, 16 connections",
    };

    private static Role RoleOf(string way) => way switch { Direct => Role.Yardstick, Portkey => Role.Rival, _ => Role.Ours };

    private double Middle(string kind, string way, Func<Round, double> of) => Median(_rounds[(kind, way)].Select(of));

    private double Added(string kind, string way, Func<Round, double> of) => Median(_rounds[(kind, way)].Zip(_rounds[(kind, Direct)], (there, direct) => of(there) - of(direct)));

    /// <summary>Within each round, since what disturbs the machine disturbs a round's ways alike; empty: the other was not measured, or it is the same.</summary>
    private string Ratio(string kind, string way, string to, Func<Round, double> of) => way == to || !_rounds.TryGetValue((kind, to), out var other) ? ""
        : Median(_rounds[(kind, way)].Zip(other, (one, another) => of(one) / of(another))).ToString("G3", CultureInfo.InvariantCulture);

    private double Failed(string kind, string way) => _rounds[(kind, way)].Sum(r => r.Failed);

    private string Cpu(string kind, string way) => Middle(kind, way, r => r.CpuMicroseconds) is > 0 and var cpu ? string.Create(CultureInfo.InvariantCulture, $", {cpu:0} us of processor a request") : "";

    private static double Median(IEnumerable<double> of)
    {
        double[] sorted = [.. of.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
