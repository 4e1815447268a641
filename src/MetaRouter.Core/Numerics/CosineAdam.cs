namespace MetaRouter.Core.Numerics;

/// <summary>Adam, its rate falling to nothing as a half cosine over a known number of steps.</summary>
/// <remarks>
/// Sources: Kingma and Ba 2015 (arXiv:1412.6980), whose constants these are; the schedule is one period, without a restart, of Loshchilov and Hutter 2017
/// (arXiv:1608.03983).
/// </remarks>
/// <param name="weights">How many there are.</param>
/// <param name="rate">Of the first step; above 0.</param>
/// <param name="steps">How many will be taken.</param>
internal sealed class CosineAdam(int weights, float rate, int steps)
{
    private const float Kept1 = 0.9f, Kept2 = 0.999f;
    private const float New1 = 0.1f, New2 = 0.001f; // 1 - Kept, which single precision would round
    private const float Epsilon = 1e-8f;

    private readonly float[] _first = new float[weights];
    private readonly float[] _second = new float[weights];
    private int _taken;

    /// <param name="w">Moved down the gradient.</param>
    /// <param name="gradient">As long as <paramref name="w"/>.</param>
    public void Step(float[] w, float[] gradient)
    {
        var now = rate * 0.5f * (1 + MathF.Cos(MathF.PI * _taken / steps));
        _taken++;
        var correct1 = 1 - MathF.Pow(Kept1, _taken);
        var correct2 = 1 - MathF.Pow(Kept2, _taken);
        for (var i = 0; i < w.Length; i++)
        {
            var g = gradient[i];
            _first[i] = (Kept1 * _first[i]) + (New1 * g);
            _second[i] = (Kept2 * _second[i]) + (New2 * g * g);
            w[i] -= now * (_first[i] / correct1) / (MathF.Sqrt(_second[i] / correct2) + Epsilon);
        }
    }
}
