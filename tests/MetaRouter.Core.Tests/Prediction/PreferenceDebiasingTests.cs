using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Tests.Prediction;

public class PreferenceDebiasingTests
{
    private static readonly DebiasingLearner[] s_learned = [DebiasingLearner.DoublyRobust, DebiasingLearner.Residual];

    [Fact]
    public void Correct_MeanShiftByHand_MovesTheMeansTogetherAndTheSpreadFirst()
    {
        // Gold: mean 1, deviation 1; preference: mean 5, deviation 2. Aligned to 5 +- 1, shifted by -4.
        float[] label = [.. Enumerable.Range(0, 40).Select(i => i < 20 ? (i % 2 == 0 ? 0f : 2f) : i % 2 == 0 ? 3f : 7f)];
        bool[] isGold = [.. Enumerable.Range(0, 40).Select(i => i < 20)];
        var corrected = PreferenceDebiasing.Correct(new float[40], 1, new float[40], 1, label, isGold, new DebiasingOptions { Learner = DebiasingLearner.MeanShift });
        corrected.Scale.ShouldBe(.5f, 1e-6f);
        corrected.Shift.ShouldAllBe(s => Math.Abs(s + 4) < 1e-5);
        corrected.Label.ShouldBe([.. Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? 0f : 2f)], 1e-5);
        corrected.Weight.ShouldBe([.. isGold.Select(g => g ? PreferenceDebiasing.GoldWeight : 1)]);

        PreferenceDebiasing.Correct(new float[40], 1, new float[40], 1, label, isGold, new DebiasingOptions { Learner = DebiasingLearner.MeanShift, AlignsScale = false }).Label[20..22].ShouldBe([-1f, 3f], 1e-5);
    }

    [Fact]
    public void Correct_BiasThatGrowsWithACause_IsRecovered()
    {
        // Gold: the first feature and noise. Preference: the same, and 1 + 2 c too much.
        var data = Simulated(gold: 300, judged: 3000, seed: 7, bias: c => 1 + (2 * c));
        foreach (var learner in s_learned)
        {
            var corrected = Correct(data, learner);
            var error = Enumerable.Range(300, 3000).Average(i => (double)Math.Abs(corrected.Shift[i] + 1 + (2 * data.Cause[i])));
            error.ShouldBeLessThan(.2, learner.ToString());

            // What is left of the bias is no longer along the cause.
            var (low, high) = (Left(i => data.Cause[i] < -.25), Left(i => data.Cause[i] > .25));
            (high - low).ShouldBe(0, .25, learner.ToString());

            double Left(Func<int, bool> of) => Enumerable.Range(300, 3000).Where(of).Average(i => corrected.Label[i] - (double)data.Truth[i]);
        }

        // The same for all is not enough.
        var shifted = Correct(data, DebiasingLearner.MeanShift);
        Enumerable.Range(300, 3000).Average(i => (double)Math.Abs(shifted.Shift[i] + 1 + (2 * data.Cause[i]))).ShouldBeGreaterThan(.4);
    }

    [Fact]
    public void Correct_LabelsWithoutBias_HardlyChange()
    {
        var data = Simulated(gold: 300, judged: 3000, seed: 8, bias: _ => 0);
        foreach (var learner in s_learned)
        {
            Math.Abs(Correct(data, learner).Shift.Average()).ShouldBeLessThan(.08f);
        }
    }

    [Fact]
    public void Confirmed_ByHand_IsTheSlopeLessTwoStandardErrors()
    {
        // Slope 2/4 = 1/2, squares left 5 - 1 = 4, squared error 4 / 2 / 4 = 1/2: two standard errors are more than the slope.
        LabelEffect.Confirmed([1, 1, 3, 3], [0, 2, 1, 3]).ShouldBe(0);

        // Slope 1/2, squares left 1.04 - 1 = .04, squared error .04 / 2 / 4 = .005: (1/2) (1 - 4 x .005 / .25) = .46.
        LabelEffect.Confirmed([1, 1, 3, 3], [-.1f, .1f, .9f, 1.1f]).ShouldBe(.46, 1e-6);

        // Nothing foretold, or the contrary.
        LabelEffect.Confirmed([2, 2, 2], [1, 2, 3]).ShouldBe(0);
        LabelEffect.Confirmed([1, 2, 3], [3, 2, 1]).ShouldBe(0);

        // More than foretold is confirmed once.
        LabelEffect.Confirmed([1, 2, 3], [2, 4, 6]).ShouldBe(1);
    }

    [Fact]
    public void Correct_FewGoldAndNoBias_LiftsAllLabelsAlike()
    {
        // 40 graded requests cannot tell chance from bias: mostly the correction should not vary at all.
        var varied = Enumerable.Range(0, 10).Count(seed =>
        {
            var shift = Correct(Simulated(gold: 40, judged: 400, seed: 100 + seed, bias: _ => .5f), DebiasingLearner.DoublyRobust).Shift;
            return shift.Max() - shift.Min() > 1e-6;
        });
        varied.ShouldBeLessThan(4);
    }

    [Fact]
    public void Correct_GradedWhereItIsHard_IsNotTakenForBias()
    {
        // Gold is drawn where the first feature is great; preference is right. Means differ by the selection alone.
        var random = new Random(9);
        var data = Simulated(gold: 300, judged: 3000, seed: 9, bias: _ => 0, goldWhere: x => random.NextSingle() < .5f + x);
        var naive = Correct(data, DebiasingLearner.MeanShift).Shift[0];
        naive.ShouldBeGreaterThan(.2f);
        foreach (var learner in s_learned)
        {
            var corrected = PreferenceDebiasing.Correct(data.X, 2, data.X, 2, data.Label, data.IsGold, new DebiasingOptions { Learner = learner });
            var shift = Enumerable.Range(300, 3000).Average(i => corrected.Shift[i]);
            Math.Abs(shift).ShouldBeLessThan(naive / 2, learner.ToString());
        }
    }

    [Fact]
    public void Correct_SameInput_GivesTheSameBits()
    {
        var data = Simulated(60, 200, 11, c => c);
        Correct(data, DebiasingLearner.DoublyRobust).Label.ShouldBe(Correct(data, DebiasingLearner.DoublyRobust).Label);
    }

    [Fact]
    public void Correct_TooFewOfAKind_IsRefusedWithTheNumbers()
    {
        var data = Simulated(PreferenceDebiasing.LeastGold - 1, 50, 12, _ => 0);
        Should.Throw<ArgumentException>(() => Correct(data, DebiasingLearner.Residual)).Message.ShouldContain("9 gold and 50 preference labels");
        Should.Throw<ArgumentException>(() => PreferenceDebiasing.Correct(new float[3], 1, new float[4], 1, new float[4], new bool[4])).Message.ShouldContain("4 x 1 features");
    }

    private static DebiasedLabels Correct(Data data, DebiasingLearner learner) =>
        PreferenceDebiasing.Correct(data.X, 2, data.Cause, 1, data.Label, data.IsGold, new DebiasingOptions { Learner = learner, IsRandomised = true });

    /// <summary>Two features of -.5 to .5: what the truth is, and what the bias depends on.</summary>
    private static Data Simulated(int gold, int judged, int seed, Func<float, float> bias, Func<float, bool>? goldWhere = null)
    {
        var random = new Random(seed);
        var n = gold + judged;
        var data = new Data(new float[n * 2], new float[n], new float[n], new float[n], new bool[n]);
        for (var i = 0; i < n; i++)
        {
            float x;
            do
            {
                x = random.NextSingle() - .5f;
            }
            while (i < gold && goldWhere?.Invoke(x) == false);
            var c = random.NextSingle() - .5f;
            (data.X[2 * i], data.X[(2 * i) + 1], data.Cause[i], data.IsGold[i]) = (x, c, c, i < gold);
            data.Truth[i] = (2 * x) + (random.NextSingle() - .5f);
            data.Label[i] = data.Truth[i] + (i < gold ? 0 : bias(c));
        }

        return data;
    }

    private sealed record Data(float[] X, float[] Cause, float[] Truth, float[] Label, bool[] IsGold);
}
