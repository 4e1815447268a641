using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Tests.Prediction;

namespace MetaRouter.Core.Tests.Catalog;

public class PriceFitTests
{
    [Theory]
    [InlineData(3, 15)]
    [InlineData(0.15, 0.6)]
    [InlineData(0.0375, 0.15)]
    [InlineData(75, 150)]
    [InlineData(0, 2)]
    [InlineData(2, 0)]
    [InlineData(0, 0)]
    public void Fit_CostsWithTokens_RecoversThePricesExactly(double inputPrice, double outputPrice)
    {
        var (models, _, output) = PriceFit.Fit(Priced(new Random(1), inputPrice, outputPrice));
        models[0].Id.Value.ShouldBe("m");
        models[0].InputPrice.Usd.ShouldBe(inputPrice);
        models[0].OutputPrice.Usd.ShouldBe(outputPrice);
        output.ShouldAllBe(v => v >= 10);
    }

    [Fact]
    public void Fit_MissingCosts_AreLeftOut()
    {
        var table = Priced(new Random(2), 3, 15);
        (table.CostUsd[3], table.CostUsd[4]) = (double.NaN, double.NaN);
        table.InputTokens[4] = float.NaN;
        PriceFit.Fit(table).Models[0].OutputPrice.Usd.ShouldBe(15);
    }

    [Fact]
    public void Fit_CostsWithoutTokens_AreTheirOwnMeter()
    {
        // A tenth of a cent is a thousand nominal units of a millionth of a dollar.
        var (models, _, output) = PriceFit.Fit(SomeTables.Of(["m"], ["a", "b"], costUsd: [0.001, double.NaN], output: [float.NaN, 50]));
        models[0].InputPrice.Usd.ShouldBe(0);
        models[0].OutputPrice.Usd.ShouldBe(PriceFit.NominalUsdPerMillion);
        output[0].ShouldBe(1000, 1e-3f);
        output[1].ShouldBe(float.NaN, "units of another meter are no answer");
        models[0].OutputPrice.CostUsd(output[0]).ShouldBe(0.001, 1e-9);
    }

    [Fact]
    public void Fit_OneCostWithoutTokens_IsTakenForTheTokensThatCostSoMuch()
    {
        var table = SomeTables.Of(["a", "b"], ["x", "y", "z"], costUsd: [3e-3, 3e-3, 7e-3, 5e-3, 6e-3, 5e-3], input: [200, 200, 600, 400, float.NaN, 250], output: [100, 100, 100, float.NaN, float.NaN, 250]);
        var (models, input, output) = PriceFit.Fit(table, [10, 100, 200]);
        models.ShouldAllBe(m => m.InputPrice.Usd == 10 && m.OutputPrice.Usd == 10);
        input.ShouldBe([200, 200, 600, 400, 200, 250]); // a count is kept
        output.ShouldBe([100, 100, 100, 100, 400, 250], 1e-2);
    }

    [Fact]
    public void Fit_EstimatedPromptAloneCostsMore_IsShortened()
    {
        var table = SomeTables.Of(["m"], ["x", "y", "z"], costUsd: [3e-3, 7e-3, 1e-3], input: [200, 600, float.NaN], output: [100, 100, float.NaN]);
        var (_, input, output) = PriceFit.Fit(table, [1, 1, 1000]);
        input[2].ShouldBe(100, 1e-3f);
        output[2].ShouldBe(0);
    }

    [Theory]
    [InlineData(0)] // a file that does not count prompts
    [InlineData(1e-6)]
    public void Fit_NoPromptTokens_ChargesTheCompletion(float input)
    {
        var table = SomeTables.Of(["m"], ["a", "b"], costUsd: [1e-3, 3e-3], input: [input, input], output: [100, 300]);
        PriceFit.Fit(table).Models[0].OutputPrice.Usd.ShouldBe(10);
    }

    [Fact]
    public void Fit_TokensInProportion_StillAddUpToTheCost()
    {
        var model = PriceFit.Fit(SomeTables.Of(["m"], ["a", "b"], costUsd: [2e-3, 4e-3], input: [100, 200], output: [100, 200])).Models[0];
        (model.InputPrice.CostUsd(100) + model.OutputPrice.CostUsd(100)).ShouldBe(2e-3, 1e-9);
    }

    /// <summary>Both costs exactly would take a prompt of -$10 and a completion of $30: without a price for prompts, $15 misses them least.</summary>
    [Fact]
    public void Fit_CostsThatFallAsOneKindOfTokenGrows_ChargesTheOtherAlone()
    {
        float[] grows = [100, 200], stays = [100, 100];
        var (byCompletion, byPrompt) = (Fit(grows, stays), Fit(stays, grows));
        (byCompletion.InputPrice.Usd, byCompletion.OutputPrice.Usd).ShouldBe((0, 15));
        (byPrompt.InputPrice.Usd, byPrompt.OutputPrice.Usd).ShouldBe((15, 0));

        static ModelProfile Fit(float[] input, float[] output) => PriceFit.Fit(SomeTables.Of(["m"], ["a", "b"], costUsd: [2e-3, 1e-3], input: input, output: output)).Models[0];
    }

    [Fact]
    public void Fit_NoisyCosts_NeverGivesANegativePrice()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var table = Priced(random, 0.1 * random.Next(2), 0.1 * random.Next(2));
            for (var i = 0; i < table.CostUsd.Length; i++)
            {
                table.CostUsd[i] *= 0.2 + (2 * random.NextDouble());
            }

            PriceFit.Fit(table).Models[0].ShouldNotBeNull(); // a negative price cannot be made
        }
    }

    private static OutcomeTable Priced(Random random, double inputPrice, double outputPrice)
    {
        float[] input = [.. Enumerable.Range(0, 30).Select(_ => (float)random.Next(10, 2000))], output = [.. Enumerable.Range(0, 30).Select(_ => (float)random.Next(10, 900))];
        return SomeTables.Of(["m"], [.. input.Select(i => $"{i}")], costUsd: [.. input.Zip(output).Select(t => ((t.First * inputPrice) + (t.Second * outputPrice)) * 1e-6)], input: input, output: output);
    }
}
