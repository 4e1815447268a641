using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Simulation;
using Spectre.Console;
using static MetaRouter.Cli.Readable;

namespace MetaRouter.Cli;

/// <summary>Tells a user's story: three lines per request, then the sums.</summary>
internal sealed class StoryDisplay(IAnsiConsole console, bool ascii)
{
    private const int TextWidth = 50, Bars = PreferenceGrid.Length / 2;

    private static readonly string[] Columns = ["who chose", "right", "cost", "of strongest", "worth to the user"];

    private string Ellipsis => ascii ? "..." : "…";

    public void Write(StoryReport report, StoryStage stage)
    {
        Introduce(report, stage);
        foreach (var step in report.Steps)
        {
            Write(step);
        }

        Summarise(report.Summary);
    }

    private void Introduce(StoryReport report, StoryStage stage)
    {
        var (summary, lambda) = (report.Summary, report.Summary.TrueLambda);
        Line($"{Bold(Escape($"A user meets {report.Models.Count} models"))}: {Escape(string.Join(", ", report.Models))}.");
        Line(Escape(Format(
            $"{summary.Requests} of {stage.Lived.Rows:n0} requests of {report.Data}, seed {report.Seed}; the other {stage.Aside.Rows:n0} were set aside. The user's lambda is {lambda:0.####}:")));
        Line(Escape(summary.CostScaleUsd == 0
            ? "all models are free, so it has no effect."
            : $"one more right answer is worth {Dollars.Text(summary.CostScaleUsd / lambda)}, "
                + $"and the dearest model costs {Dollars.Text(summary.CostScaleUsd)} a request. The router does not know that."));
        Line();
        var start = report.Steps[0].Before;
        Indented(Dim($"{"best".PadRight(Bars - 8)}cheapest  what is believed of the trade-off: a bar over lambda, and its median"));
        Indented(Belief(start));
        Indented(Dim($"{True(lambda)}  the true one"));
        Line();
    }

    private void Write(StoryStep step)
    {
        Line($"{Bold($"{step.Number,3}")}  {Escape(OneLine.Of(step.Text, TextWidth, Ellipsis))}");
        var model = step.Chosen.Model;
        var color = step.Reason switch { DecisionReason.Explored => "yellow", DecisionReason.Comparison => "aqua", _ => "green" };
        Indented($"[{color}]{Escape(model)}[/]{Escape(step.Explanation[model.Length..])}");
        var came = step.Offered is { } offered
            ? $"{Came(step.Chosen)}; beside it {Escape(offered.Model)}: {Came(offered)}"
            : Came(step.Chosen);
        if (step.Said == StoryWord.Nothing)
        {
            Indented($"{came}.");
            Line();
            return;
        }

        var learned = step.Learned is Core.Users.AddOutcome.Counted or null ? "" : $" ({step.Learned})";
        Indented($"{came}. {Bold(Escape(Said(step)))}{learned}");
        Indented($"{Belief(step.After)}{(step.Before.PriceUsd > 0 ? Dim($", was {Escape(Dollars.Text(step.Before.PriceUsd))}") : "")}");
        Line();
    }

    private void Summarise(StorySummary summary)
    {
        var table = new Table().Border(ascii ? TableBorder.Ascii2 : TableBorder.Simple);
        foreach (var (i, column) in Columns.Index())
        {
            table.AddColumn(new TableColumn(new Text(column)) { Alignment = i == 0 ? Justify.Left : Justify.Right });
        }

        StoryPolicy[] policies = [summary.Router, summary.Knew, summary.BestSingle, summary.Strongest];
        var decimals = policies.Max(p => Dollars.Decimals(p.CostUsd));
        foreach (var policy in policies)
        {
            table.AddRow(
                new Text(policy.Model is null ? policy.Name : $"{policy.Name} ({policy.Model})"),
                new Text(Format($"{100 * policy.Quality:0.0} %")),
                new Text("$" + policy.CostUsd.ToString("n" + decimals, CultureInfo.InvariantCulture)),
                new Text(summary.Strongest.CostUsd > 0 ? Format($"{100 * policy.CostUsd / summary.Strongest.CostUsd:0} %") : "-"),
                new Text(Format($"{100 * policy.Worth:0.0}")));
        }

        console.Write(table);
        Line(Dim("Right: mean score. Worth: (quality - lambda cost / dearest model's mean cost) / (1 + lambda), in points; more is better."));
        Line(Escape(Format(
            $"In MetaRouter's cost: {Count(summary.Comparisons, "second answer")} {Dollars.Text(summary.SecondAnswersUsd)}; ",
            $"{Count(summary.Explored, "exploration")} {Signed(summary.ExplorationUsd)} and {summary.ExplorationQuality:+0.##;-0.##;0} right answers.")));
        Line(Escape(Format(
            $"The user answered {Count(summary.Comparisons, "comparison")} and gave {Count(summary.ThumbsUp + summary.ThumbsDown, "thumb")}: {summary.ThumbsUp} up, {summary.ThumbsDown} down.")));
        if (summary.Comparisons > 0)
        {
            Line(Dim($"Two answers are shown while that should pay off within {ComparisonBudget.Horizon:n0} later requests; a short story shows the cost and little of the gain."));
        }

        Line(Escape(Format($"True lambda {summary.TrueLambda:0.####}; believed {summary.Belief.Lambda:0.###}, 90 % sure of {summary.Belief.Low:0.###} to {summary.Belief.High:0.###}: "))
            + (summary.Inside ? "[green]inside[/]" : "[red]outside[/]")
            + ".");
        Line(Escape($"In words: {summary.Explanation}."));
    }

    private void Line(string markup = "") => console.MarkupLine(markup);

    /// <summary>Indented below the request's number; on a terminal wrapped lines are indented too.</summary>
    private void Indented(string markup)
    {
        if (console.Profile.Capabilities.Interactive)
        {
            console.Write(new Padder(new Markup(markup), new Padding(5, 0, 0, 0)));
        }
        else
        {
            Line("     " + markup);
        }
    }

    private static string Said(StoryStep step) => step.Said switch
    {
        StoryWord.ThumbUp => "Thumb up.",
        StoryWord.ThumbDown => "Thumb down.",
        StoryWord.PreferredChosen => $"The user preferred {step.Chosen.Model}.",
        _ => $"The user preferred {step.Offered!.Model}.",
    };

    private static string Came(StoryAnswer answer)
    {
        var (word, color) = answer.Score switch { >= 1 => ("right", "green"), <= 0 => ("wrong", "red"), _ => (Format($"scored {answer.Score:0.00}"), "yellow") };
        return $"[{color}]{word}[/] for {Escape(Dollars.Text(answer.CostUsd))}";
    }

    private string Belief(StoryBelief belief) => $"{Bar(belief.Marginal)}  {(belief.PriceUsd > 0 ? $"{Escape(Dollars.Text(belief.PriceUsd))} a right answer" : "all models are free")}";

    /// <summary>The belief over lambda, low to high, two grid positions per character.</summary>
    private string Bar(IReadOnlyList<float> marginal) =>
        $"[blue]{Escape(Readable.Bars([.. marginal.Select(p => (double)p)], Bars, ascii))}[/]";

    private string True(double lambda)
    {
        var at = PreferenceGrid.Nearest(lambda) / 2;
        return new string(' ', at) + (ascii ? "^" : "▲") + new string(' ', Bars - at - 1);
    }

    private static string Signed(double usd) => (usd < 0 ? "-" : "+") + Dollars.Text(Math.Abs(usd));

    /// <param name="parts">One after the other: a long text is written as several.</param>
    private static string Format(params FormattableString[] parts) => string.Concat(parts.Select(FormattableString.Invariant));

    private static string Escape(string text) => Markup.Escape(text);

    private static string Bold(string markup) => $"[bold]{markup}[/]";

    private static string Dim(string markup) => $"[grey]{markup}[/]";
}
