using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Text;
using Xunit.Abstractions;

namespace MetaRouter.Core.Tests.Prediction;

/// <summary>Against a truth that is known: every model's chance of a right answer to every request, of which training sees right and wrong answers alone.</summary>
public class QualityUncertaintyTests(ITestOutputHelper output)
{
    private const int Rows = 500, HeldOut = 400;

    // Good at each of four kinds of request, in logits. The last is like no other: it is dear and poor.
    private static readonly double[][] Ability = [[2, 1, 0, -1], [1, 1, 1, 1], [0, 2, -1, 1], [-1, -1, 0, 0], [1.5, 0, 1.5, 0], [-1, 0.5, 1, -0.5]];
    private static readonly double[] Price = [8, 4, 3, 0.3, 6, 1];
    private static readonly string[][] Words = [["integral", "derivative", "matrix", "theorem", "proof"], ["poem", "verse", "rhyme", "stanza", "sonnet"], ["python", "function", "compile", "bug", "class"], ["treaty", "emperor", "century", "war", "dynasty"]];

    private static readonly Lazy<Snapshot> Plain = new(() => Trained(0.5)), Veiled = new(() => Trained(2));

    [Theory]
    [InlineData(0.5)]
    [InlineData(2.0)]
    public void Deviation_HeldOutRequestsOfKnownTruth_IsAsLargeAsTheErrors(double unseen)
    {
        var (errors, deviations) = HeldOutErrors(unseen);
        var z = errors.Zip(deviations, (e, s) => e / s).ToArray();
        var (spread, covered) = (Math.Sqrt(z.Average(v => v * v)), z.Average(v => Math.Abs(v) <= 2 ? 1.0 : 0));
        output.WriteLine(FormattableString.Invariant($"unseen {unseen}: errors {Rms(errors):0.000}, deviations {Rms(deviations):0.000}, spread of errors / deviation {spread:0.00}, within two {covered:0.000}"));
        spread.ShouldBeInRange(0.8, 1.3);
        covered.ShouldBeInRange(0.88, 0.99);
    }

    [Fact]
    public void Deviation_WhereWordsTellLess_IsLarger()
    {
        var (veiled, plain) = (HeldOutErrors(2), HeldOutErrors(0.5));
        Rms(veiled.Errors).ShouldBeGreaterThan(Rms(plain.Errors) * 1.5, "else the two worlds do not differ");
        Rms(veiled.Deviations).ShouldBeGreaterThan(Rms(plain.Deviations) * 1.5);
    }

    [Theory]
    [InlineData(new float[] { 1, 1, 0, 0, 1, 1, 0, 0 }, 0.5)] // both right or both wrong: the request decides, and half of q (1 - q)'s root is all there is
    [InlineData(new float[] { 1, 1, 0, 0, 1, 1, 1, 0 }, 0.35355)] // three rows of four agree: phi = (3 - 1) / 4
    [InlineData(new float[] { 1, 1, 0, 0, 1, 0, 0, 1 }, 0)] // as often alike as not: luck
    [InlineData(new float[] { 1, 0, 0, 1, 1, 0, 0, 1 }, 0)]
    public void Deviation_EvenChancesOfTwoModels_IsWhatTheirAnswersHaveInCommon(float[] score, double expected)
    {
        float[] tokens = [.. score.Select(_ => 100f)];
        var sample = new CalibrationSample([0, 2, 4, 6, 8], [0, 1, 0, 1, 0, 1, 0, 1], [.. score.Select(_ => 0.5f)], score, tokens, tokens, tokens);
        var pool = RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", 0.5f, 1), new("b", 0.5f, 2)], sample));
        pool.QualityDeviation(Candidate("a", 0.5f)).ShouldBe((float)expected, 1e-4f);
    }

    [Fact]
    public void Deviation_ModelNobodyGraded_AddsHowFarOffKinAreAboutTheOthers()
    {
        // At one price each is taken for the mean of the two others: off by .225, .225 and 0.
        var snapshot = SomeSnapshots.ByHand([new("low", 0.5f, 1), new("high", 0.8f, 1), new("middle", 0.65f, 1)]);
        var pool = new RoutingPool(snapshot, new ModelCatalog([.. snapshot.Models, SomeSnapshots.Profile("fresh", 1)]));
        pool.QualityDeviation(Candidate("low", 0.6f)).ShouldBe(MathF.Sqrt(0.25f * 0.24f), 1e-4f);
        pool.QualityDeviation(Candidate("fresh", 0.6f)).ShouldBe(MathF.Sqrt((0.25f * 0.24f) + (2 * 0.225f * 0.225f / 3)), 1e-4f);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Deviation_QualityThatIsCertain_IsNone(float quality) =>
        RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", 0.5f, 1)])).QualityDeviation(Candidate("a", quality)).ShouldBe(0);

    private static RankedModel Candidate(string model, float quality) => new(new(model), new Outcome(quality, 0.001f, 1), 0, 0, ModelExclusion.None);

    private static double Rms(double[] values) => Math.Sqrt(values.Average(v => v * v));

    private static (double[] Errors, double[] Deviations) HeldOutErrors(double unseen)
    {
        var pool = RoutingPool.OfSnapshot((unseen < 1 ? Plain : Veiled).Value);
        var (queries, truth) = Requests(HeldOut, unseen, new Random(99));
        var (errors, deviations) = (new List<double>(), new List<double>());
        var (scratch, outcomes, tokens, projected) = (new RequestEncoding(), new Outcome[Ability.Length], new float[Ability.Length], new float[pool.Projected]);
        for (var i = 0; i < HeldOut; i++)
        {
            pool.Snapshot.Encoder.Encode(queries[i], scratch);
            pool.Predict(scratch, float.NaN, outcomes, tokens, projected);
            for (var k = 0; k < outcomes.Length; k++)
            {
                errors.Add(truth[(i * Ability.Length) + k] - outcomes[k].Quality);
                deviations.Add(pool.QualityDeviation(new(pool.Catalog.Models[k].Id, outcomes[k], 0, 0, ModelExclusion.None)));
            }
        }

        return ([.. errors], [.. deviations]);
    }

    private static Snapshot Trained(double unseen)
    {
        var random = new Random(7);
        var (queries, truth) = Requests(Rows, unseen, random);
        float[] score = [.. truth.Select(p => random.NextDouble() < p ? 1f : 0)];
        float[] tokens = [.. truth.Select(_ => 100f)];
        double[] cost = [.. truth.Select((_, c) => Price[c % Price.Length] * 125e-6)];
        return SnapshotTrainer.Train(SomeTables.Of([.. Price.Select((_, k) => $"m{k}")], queries, score, cost, tokens, tokens), SomeSnapshots.Quick with { Decays = [1e-3f] });
    }

    /// <param name="unseen">Standard deviation of what no word tells of a request's difficulty, in logits.</param>
    private static (string[] Queries, double[] Truth) Requests(int rows, double unseen, Random random)
    {
        var (queries, truth) = (new string[rows], new double[rows * Ability.Length]);
        for (var i = 0; i < rows; i++)
        {
            var kind = random.Next(Words.Length);
            queries[i] = string.Join(' ', Enumerable.Range(0, 6).Select(_ => Words[kind][random.Next(5)]));
            var luck = unseen * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            for (var k = 0; k < Ability.Length; k++)
            {
                truth[(i * Ability.Length) + k] = 1 / (1 + Math.Exp(-Ability[k][kind] - luck));
            }
        }

        return (queries, truth);
    }
}
