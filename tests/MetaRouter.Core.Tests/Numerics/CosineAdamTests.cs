using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Tests.Numerics;

public class CosineAdamTests
{
    [Fact]
    public void Step_ByHand_GoesTheRateDownTheGradientThenByMomentumAtHalfTheRate()
    {
        var adam = new CosineAdam(2, rate: 0.1f, steps: 2);
        float[] w = [1, 1];

        // Both moments, corrected, are those of the one gradient: a step of the whole rate, whatever its size.
        adam.Step(w, [3, -0.01f]);
        w.ShouldBe([0.9f, 1.1f], 1e-5f);

        // Half the cosine is left. First moment .9 x .1 g / (1 - .9^2), second .999 x .001 g^2 / (1 - .999^2).
        adam.Step(w, [0, 0]);
        var step = 0.05f * (0.09f / 0.19f) / MathF.Sqrt(0.000999f / 0.001999f);
        w.ShouldBe([0.9f - step, 1.1f + step], 1e-5f);
    }
}
