using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Tests.Prediction;

public class TopicQualityTests
{
    [Fact]
    public void Fit_ByHand_IsTheMeanDepartureShrunkByFiveRows()
    {
        // Ten requests wholly about the first topic, where the model is always right; thirty about the second, where it never is: on average .25.
        float[] x = [.. Enumerable.Range(0, 40).SelectMany(i => i < 10 ? (float[])[9, 1, 0] : [9, 0, 1])];
        float[] score = [.. Enumerable.Range(0, 40).Select(i => i < 10 ? 1f : 0f)];
        var beyond = TopicQuality.Fit(x, stride: 3, at: 1, topics: 2, score, [.25f]);
        beyond[0].ShouldBe(.75f * 10 / 15, 1e-6);
        beyond[1].ShouldBe(-.25f * 30 / 35, 1e-6);
    }

    [Fact]
    public void Fit_ModelsThatAnsweredOtherRequests_IsWhatEachOnesOwnTell()
    {
        float[] x = [.. Enumerable.Range(0, 40).SelectMany(i => i < 10 ? (float[])[9, 1, 0] : [9, 0, 1])];
        float[] score = [.. Enumerable.Range(0, 40).SelectMany(i => (float[])[i < 10 ? 1f : 0f, i is < 10 or >= 20 ? float.NaN : .5f])];
        var beyond = TopicQuality.Fit(x, stride: 3, at: 1, topics: 2, score, [.25f, .4f]);
        beyond.ShouldBe([.75f * 10 / 15, -.25f * 30 / 35, 0, .1f * 10 / 15], 1e-6);
    }

    [Fact]
    public void Fit_SimulatedModels_RecoversWhatEachIsGoodAt()
    {
        const int rows = 20_000, topics = 4, models = 3;
        var random = new Random(5);
        float[] truth = [.2f, -.1f, 0f, -.1f, -.2f, .1f, .1f, 0f, 0f, 0f, 0f, 0f], mean = [.5f, .6f, .7f];
        var (x, score) = (new float[rows * topics], new float[rows * models]);
        for (var i = 0; i < rows; i++)
        {
            var p = x.AsSpan(i * topics, topics);
            p[random.Next(topics)] += .7f;
            p[random.Next(topics)] += .3f;
            for (var k = 0; k < models; k++)
            {
                var q = mean[k] + System.Numerics.Tensors.TensorPrimitives.Dot<float>(p, truth.AsSpan(k * topics, topics));
                score[(i * models) + k] = random.NextDouble() < q ? 1 : 0;
            }
        }

        var beyond = TopicQuality.Fit(x, topics, 0, topics, score, mean);
        beyond.Zip(truth).ShouldAllBe(pair => Math.Abs(pair.First - pair.Second) < .025);
    }

    [Fact]
    public void Fit_NoTopics_SaysNothing() => TopicQuality.Fit([1, 1], 1, 1, 0, [0, 1], [.5f]).ShouldBeEmpty();
}
