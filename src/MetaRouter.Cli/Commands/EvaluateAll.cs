using System.Globalization;
using System.Text;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Report;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter evaluate all --data DIR --out DIR</c>: every protocol with every router, as one HTML page, Markdown, JSON and picture files.</summary>
internal static class EvaluateAll
{
    private const string Pictures = "img";

    /// <param name="only">Names of protocols; empty: every one.</param>
    /// <param name="seeds">Null: each protocol's own number.</param>
    public static int Run(Terminal terminal, string data, string target, IReadOnlyList<string> only, IReadOnlyList<Pool> pools, int? seeds, CancellationToken cancellationToken)
    {
        EvaluationProtocol[] protocols = [.. EvaluationProtocols.All.Where(p => only.Count == 0 || only.Contains(p.Name, StringComparer.OrdinalIgnoreCase))];
        if (only.FirstOrDefault(name => !protocols.Any(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase))) is { } unknown)
        {
            throw new BadInputException($"--only {unknown}: there is no such protocol. Protocols: {string.Join(", ", EvaluationProtocols.All.Select(p => p.Name))}.");
        }

        // Created before the work: minutes of it must not end in a folder that cannot be written.
        var isNew = !Directory.Exists(target);
        Directory.CreateDirectory(Path.Combine(target, Pictures));
        List<ReportSection> sections;
        try
        {
            sections = Measure(terminal, data, protocols, pools, seeds, cancellationToken);
        }
        catch
        {
            RemoveEmpty(Path.Combine(target, Pictures));
            if (isNew)
            {
                RemoveEmpty(target);
            }

            throw;
        }

        var page = new ReportPage(
            "MetaRouter, evaluated",
            "Real answers of real models, graded; every router is trained and scored on the same splits. "
                + "Brackets and bars are 95 % intervals over rows and splits, of simulated users over rows and users.",
            sections);
        Write(target, "index.html", page.ToHtml());
        Write(target, "report.md", page.ToMarkdown(Pictures));
        Write(target, "report.json", page.ToJson());
        foreach (var figure in sections.SelectMany(s => s.Figures))
        {
            Write(Path.Combine(target, Pictures), figure.Id + ".svg", figure.Svg(true) + "\n");
        }

        foreach (var missed in sections.SelectMany(s => s.Targets).Where(t => !t.Reached))
        {
            terminal.Out.WriteLine($"Not reached: {missed.Name}: {missed.Wanted}; measured {missed.Measured}.");
        }

        Target[] targets = [.. sections.SelectMany(s => s.Targets)]; // pools of one's own have none
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(targets.Length > 0 ? Targets.Summary(targets) + ". " : "")}Wrote {Path.Combine(target, "index.html")}, report.md, report.json and {sections.Sum(s => s.Figures.Count)} pictures."));
        return ExitCodes.Success;
    }

    private static List<ReportSection> Measure(Terminal terminal, string data, EvaluationProtocol[] protocols, IReadOnlyList<Pool> pools, int? seeds, CancellationToken cancellationToken)
    {
        var sections = new List<ReportSection>();
        foreach (var protocol in protocols)
        {
            var (began, used) = (terminal.Clock.GetTimestamp(), Environment.CpuUsage.TotalTime);
            var result = ProgressDisplay.Run(
                terminal, protocol.Name,
                progress => protocol.Run(new EvaluationRequest(data, pools, seeds ?? protocol.Seeds, [.. LearnedRouters.Factories, .. LearnedRouters.Published], progress, cancellationToken)));
            terminal.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{protocol.Name}: {terminal.Clock.GetElapsedTime(began).TotalSeconds:0} s, {(Environment.CpuUsage.TotalTime - used).TotalSeconds:0} s of processors"));
            foreach (var warning in result.Warnings.Distinct())
            {
                terminal.Error.WriteLine($"Warning: {warning}");
            }

            sections.Add(new ReportSection(
                protocol.Name.ToLowerInvariant(), protocol.Name, Sentence(protocol.Description),
                result.Figures,
                [.. result.Tables.Select(t => new ReportTable(t.Title, t.Columns, t.Rows, t.Note))],
                result.Targets, result.Json));
        }

        return sections;
    }

    private static void RemoveEmpty(string folder)
    {
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..] + ".";

    private static void Write(string folder, string name, string text)
    {
        using var file = ReplacementFile.Create(Path.Combine(folder, name));
        file.Write(Encoding.UTF8.GetBytes(text));
        file.Commit();
    }
}
