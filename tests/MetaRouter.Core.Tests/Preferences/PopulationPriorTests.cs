using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Tests.Preferences;

public class PopulationPriorTests
{
    private static readonly PopulationPrior.Component One = new(1, 0, 1);
    private static readonly double[] Even = [1 / 3.0, 1 / 3.0, 1 / 3.0];

    [Fact]
    public void Density_AnyPrior_SumsToOne()
    {
        foreach (var prior in new[] { PopulationPrior.Default, Of(One), Of(new(0.3, -2, 0.1), new(0.7, 1, 2)), Of(new PopulationPrior.Component(1, 1e6, 0.01)), Of(new PopulationPrior.Component(1, 0, 1e-300)) })
        {
            var density = new double[PreferenceGrid.Length];
            prior.Density(density);
            density.Sum().ShouldBe(1, 1e-9);
            density.ShouldAllBe(d => d >= 0);
            prior.LogWeights.ToArray().ShouldAllBe(w => float.IsFinite(w));
        }
    }

    [Fact]
    public void Density_ByHand_FollowsTheGaussian()
    {
        // A deviation of five grid steps: one and two deviations out.
        var density = new double[PreferenceGrid.Length];
        Of(new PopulationPrior.Component(1, PreferenceGrid.LogLambda[20], PreferenceGrid.LogLambda[25] - PreferenceGrid.LogLambda[20])).Density(density);
        (density[25] / density[20]).ShouldBe(Math.Exp(-0.5), 1e-9);
        (density[10] / density[20]).ShouldBe(Math.Exp(-2), 1e-9);
    }

    [Fact]
    public void LogWeights_EveryHypothesis_IsDensityTimesSharpness()
    {
        var prior = new PopulationPrior([One], [0.2, 0.3, 0.5], 0.05);
        var density = new double[PreferenceGrid.Length];
        prior.Density(density);
        prior.LogWeights[(30 * ChoiceModel.BetaCount) + 2].ShouldBe((float)Math.Log(density[30] * 0.5), 1e-4f);
        prior.LogWeights.ToArray().Sum(w => Math.Exp(w)).ShouldBe(1, 1e-5);
    }

    [Fact]
    public void IsHeardAs_TellsAllThatSignalsAreHeardBy()
    {
        var prior = PopulationPrior.Default;
        var taught = new PopulationPrior(prior.Components, prior.BetaWeights, prior.Lapse, prior.Speech.SetItem(1, new(0.5, 0.2)));

        prior.IsHeardAs(new PopulationPrior([One], Even, prior.Lapse)).ShouldBeTrue("another population, heard alike");
        foreach (var other in (PopulationPrior[])[taught, prior.With(TopicSpread.None), prior.With(LatencySpread.None)])
        {
            prior.IsHeardAs(other).ShouldBeFalse();
        }

        (taught.HasLearnedSpeech, prior.HasLearnedSpeech).ShouldBe((true, false));
    }

    [Fact]
    public void Default_Weights_AreADistribution()
    {
        PopulationPrior.Default.Components.Sum(c => c.Weight).ShouldBe(1, 1e-9);
        PopulationPrior.Default.Lapse.ShouldBe(0.05);
    }

    [Fact]
    public void New_BadComponents_NamesThem()
    {
        foreach (var bad in new PopulationPrior.Component[][] { [], [new(0.9, 0, 1)], [new(1, 0, 0)], [new(1, 0, -1)], [new(1, double.NaN, 1)], [new(1, 0, double.NaN)], [new(1, 0, double.PositiveInfinity)], [new(double.NaN, 0, 1)], [new(-0.5, 0, 1), new(1.5, 0, 1)] })
        {
            var message = Should.Throw<ArgumentException>(() => new PopulationPrior(bad, Even, 0.05)).Message;
            message.ShouldContain("weights that sum to 1, finite means and deviations above 0; found");
            message.ShouldContain(string.Join("; ", bad));
        }
    }

    [Fact]
    public void New_BadSharpness_NamesIt()
    {
        foreach (var bad in new double[][] { [], [1], [0.5, 0.5, 0.5], [double.NaN, 0.5, 0.5], [-1, 1, 1] })
        {
            Should.Throw<ArgumentException>(() => new PopulationPrior([One], bad, 0.05)).Message.ShouldContain($"needs 3 sharpness weights that sum to 1; found {string.Join(", ", bad)}.");
        }
    }

    [Theory]
    [InlineData(-0.01)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void New_BadLapse_NamesIt(double lapse) => Should.Throw<ArgumentException>(() => new PopulationPrior([One], Even, lapse)).Message.ShouldContain($"from 0 to below 1; found {lapse}");

    private static PopulationPrior Of(params PopulationPrior.Component[] components) => new(components, Even, 0.05);
}
