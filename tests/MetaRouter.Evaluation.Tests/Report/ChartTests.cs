using System.Globalization;
using System.Xml.Linq;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Report;

namespace MetaRouter.Evaluation.Tests.Report;

public sealed class ChartTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LineChart_IsAPictureThatNamesItsLines(bool standalone)
    {
        var chart = new LineChart("A < B & C", "x", "y", [new("ours", Role.Ours, [(1, 0), (10, 1)], [(0, .1), (.9, 1)]), new("<other>", Role.Rival, [(1, .5), (10, double.NaN)]), new("level", Role.Yardstick, [(1, .2), (10, .2)])], LogX: true);
        var svg = XDocument.Parse(chart.ToSvg(standalone));

        var texts = svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value).ToArray();
        texts.ShouldContain("A < B & C");
        foreach (var name in (string[])["ours", "<other>", "level"])
        {
            texts.ShouldContain(name);
        }

        svg.Descendants().Any(e => e.Name.LocalName == "style").ShouldBe(standalone);
        svg.ToString().ShouldNotContain("NaN");
        svg.Descendants().Count(e => e.Name.LocalName == "polyline").ShouldBe(3);
        svg.Descendants().Count(e => e.Name.LocalName == "polygon").ShouldBe(1);
    }

    [Fact]
    public void LineChart_LinesThatEndTogether_HaveNamesApart()
    {
        Series[] all = [.. Enumerable.Range(0, 9).Select(i => new Series($"line {i}", Role.Rival, [(0, i / 9.0), (1, .9 + (i * .001))]))];
        var svg = XDocument.Parse(new LineChart("t", "x", "y", all).ToSvg(false));
        var at = svg.Descendants().Where(e => e.Name.LocalName == "text" && e.Value.StartsWith("line", StringComparison.Ordinal)).Select(e => double.Parse(e.Attribute("y")!.Value, CultureInfo.InvariantCulture)).Order().ToArray();
        at.Zip(at.Skip(1), (a, b) => b - a).Min().ShouldBeGreaterThan(12);
        at.ShouldAllBe(y => y > 20 && y < 390);
    }

    [Theory]
    [InlineData("a name of usual length", null)]
    [InlineData("amortised encoder, our questions", "196")]
    public void LineChart_LongName_EndsWithinThePictureInAnyFont(string name, string? length)
    {
        var svg = XDocument.Parse(new LineChart("t", "x", "y", [new(name, Role.Rival, [(0, 0), (1, 1)])]).ToSvg(true));
        var text = svg.Descendants().Single(e => e.Name.LocalName == "text" && e.Value == name);
        ((string?)text.Attribute("textLength")).ShouldBe(length);
        (Number(text, "x") + double.Parse(length ?? "0", CultureInfo.InvariantCulture)).ShouldBeLessThan(720);
    }

    [Fact]
    public void LineChart_PointsLieWhereTheAxesSay()
    {
        var svg = XDocument.Parse(new LineChart("t", "x", "y", [new("s", Role.Ours, [(0, 0), (5, .5), (10, 1)])], Y: (0, 1)).ToSvg(false));
        var dots = svg.Descendants().Where(e => e.Name.LocalName == "circle").Select(e => (X: Number(e, "cx"), Y: Number(e, "cy"))).ToArray();
        (dots[1].X - dots[0].X).ShouldBe(dots[2].X - dots[1].X, .2);
        (dots[0].Y - dots[1].Y).ShouldBe(dots[1].Y - dots[2].Y, .2);
        dots[2].Y.ShouldBeLessThan(dots[0].Y);
    }

    [Fact]
    public void WhiskerChart_BestIsOnTopAndQuotedIsHollow()
    {
        var svg = XDocument.Parse(new WhiskerChart("t", "x", [new("worse", Role.Rival, .1, 0, .2), new("quoted", Role.Rival, .3, double.NaN, double.NaN, Quoted: true), new("ours", Role.Ours, .5, .4, .6)], 0, "0.00").ToSvg(true));
        var names = svg.Descendants().Where(e => (string?)e.Attribute("class") == "name").Select(e => e.Value).ToArray();
        names.ShouldBe(["ours", "quoted", "worse"]);
        svg.Descendants().Count(e => e.Name.LocalName == "circle" && (string?)e.Attribute("fill") == "var(--bg)").ShouldBe(1);
        svg.ToString().ShouldNotContain("NaN");
    }

    [Theory]
    [InlineData(double.NaN, false)]
    [InlineData(double.PositiveInfinity, false)]
    [InlineData(1, true)]
    public void Charts_NothingToDrawOrFreeOnALogAxis_AreEmptyFramesAndNotNumbersThatAreNone(double value, bool isFree)
    {
        var x = isFree ? 0 : 1;
        var line = new LineChart("t", "x", "y", [new("s", Role.Ours, [(x, value), (2, value)], [(value, value), (value, value)]), new("level", Role.Yardstick, [(x, value)], Dots: true)], LogX: true).ToSvg(true);
        var whiskers = new WhiskerChart("t", "x", [new("row", Role.Ours, value, value, value)], null, "0.00").ToSvg(true);
        foreach (var svg in (string[])[line, whiskers])
        {
            XDocument.Parse(svg);
            svg.ShouldNotContain("NaN");
            svg.ShouldNotContain("Infinity");
            svg.ShouldNotContain("\u221e");
        }
    }

    [Theory]
    [InlineData(0, 1, 6, new[] { 0, .2, .4, .6, .8, 1 })]
    [InlineData(-.5, 1, 6, new[] { -.4, -.2, 0, .2, .4, .6, .8, 1 })]
    public void Ticks_AreRound(double low, double high, int wanted, double[] ticks) => Chart.Ticks(low, high, wanted).Select(t => Math.Round(t, 9)).ShouldBe(ticks);

    /// <summary>Of a narrow axis, as regrets of a thousandth have it, every tick says another number.</summary>
    [Theory]
    [InlineData(.0012734, .0016312)]
    [InlineData(.71021, .71194)]
    public void TicksOfANarrowAxis_ReadApart(double low, double high) => Chart.Ticks(low, high, 6).Select(Chart.Tick).ShouldBeUnique();

    [Fact]
    public void WhiskerChart_NameLongerThanItsMargin_IsSqueezedAndNotCut()
    {
        string[] names = ["nearest examples, all answers scored", "nearest examples, all answers scored, no warm-up"];
        var texts = XDocument.Parse(new WhiskerChart("t", "x", [.. names.Select(n => new Whisker(n, Role.Rival, 1, 0, 2))], 0, "0.00").ToSvg(false)).Descendants().Where(e => (string?)e.Attribute("class") == "name").ToDictionary(e => e.Value);

        texts[names[0]].Attribute("textLength").ShouldBeNull();
        Number(texts[names[1]], "textLength").ShouldBeLessThan(Number(texts[names[1]], "x"));
    }

    [Fact]
    public void Reliability_ByHand()
    {
        var sum = Reliability.Sum([Reliability.Of([.05f, .95f, 1f], [1, 1, float.NaN]), Reliability.Of([.05f, .5f], [0, 1])]);
        sum.Count.ShouldBe([2, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
        // .1 against 1; .95 against 1; .5 against 1.
        sum.Error.ShouldBe((.9 + .05 + .5) / 4, 1e-6);
        var points = sum.Points(2);
        points.Single().Expected.ShouldBe(.05, 1e-6);
        points.Single().Realised.ShouldBe(.5, 1e-6);
    }

    /// <summary>Two answers that were both right at 45 % are no finding, and no answer at all is no point.</summary>
    [Fact]
    public void ReliabilityPicture_OfFewRequests_LeavesOutWhatAFewAnswersSay()
    {
        float[] expected = [.. Enumerable.Repeat(.95f, 60), .. Enumerable.Repeat(.15f, 60), .45f, .45f];
        float[] score = [.. Enumerable.Repeat(1f, 60), .. Enumerable.Repeat(0f, 60), 1, 1];
        var nothing = new Dictionary<string, double>();
        DialRow Row(string router, Reliability? reliability) => new(router, nothing, new Dictionary<string, Interval>(), 0, new(0, 0), 0, new(0, 0), 0, new(0, 0), 0, new(0, 0), nothing, nothing) { Dial = [new(.1, .5), new(1, .7)], Reliability = reliability };

        var figures = Figures.Of(new ProtocolReport<DialRow>("P2", "own", 1, [Row("metarouter", Reliability.Of(expected, score)), Row("best-single", null)], null));
        var svg = XDocument.Parse(figures.Single(f => f.Id == "p2-reliability-own").Svg(false));

        svg.Descendants().Count(e => e.Name.LocalName == "circle").ShouldBe(2);
    }

    private static double Number(XElement e, string attribute) => double.Parse(e.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}
