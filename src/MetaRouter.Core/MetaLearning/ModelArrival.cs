using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// A model joins a snapshot without training: it starts as its kin (the declared sibling, else models of its price; <see cref="ModelKin"/>), and its
/// graded answers, if any, move it from there (<see cref="ModelAbility"/>). The rest of the snapshot stays, so what was learned of users is kept.
/// </summary>
/// <remarks>
/// In the calibration sample it gets its kin's cells, shifted as its quality and tokens were: what it would really have earned there is unknown.
/// A model with no graded answer needs none of this: a catalog that lists it is enough.
/// </remarks>
public static class ModelArrival
{
    /// <param name="model">Its prices in US dollars per million tokens, and the sibling if one is declared.</param>
    /// <param name="answers">May be empty.</param>
    /// <exception cref="ArgumentException">The snapshot knows the model already, or a score lies outside 0 to 1.</exception>
    public static Snapshot Add(Snapshot snapshot, ModelProfile model, IReadOnlyList<GradedAnswer> answers)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(answers);
        if (snapshot.Numbers.ContainsKey(model.Id))
        {
            throw new ArgumentException($"The snapshot knows model '{model.Id}' already; train again to use more answers of it.", nameof(model));
        }

        if (answers.FirstOrDefault(a => !(a.Score is >= 0 and <= 1)) is { Text: not null } bad)
        {
            throw new ArgumentException($"A graded answer of '{model.Id}' has score {bad.Score}; it must be 0 to 1.", nameof(answers));
        }

        var kin = ModelKin.Of(snapshot, null, model);
        var before = answers.Count == 0 ? kin.Head : kin.Head with { TokenFactor = MathF.Max(kin.Head.TokenFactor, ModelAbility.LeastTokenFactor) };
        var (rank, targets, n) = (before.Ability.Length, snapshot.Forest.Targets, answers.Count);
        var (projected, leaves, certain, ratio, scratch) = (new float[n * (rank + 1)], new float[n * targets], new float[n], new float[n], new RequestEncoding());
        for (var i = 0; i < n; i++)
        {
            snapshot.Encoder.Encode(answers[i].Text, scratch);
            snapshot.Describe(scratch.Features, before.KnownTo, projected.AsSpan(i * (rank + 1), rank + 1), leaves.AsSpan(i * targets, targets));
            certain[i] = snapshot.Forest.Certainty(leaves.AsSpan(i * targets, targets));
            ratio[i] = answers[i].OutputTokens / before.Tokens(scratch.Features);
        }

        float[] score = [.. answers.Select(a => a.Score)];
        var head = ModelAbility.Fit(before, snapshot.Heads, projected, leaves, certain, score, ratio);
        var moved = kin.Lift;
        for (var i = 0; i < n; i++)
        {
            var p = projected.AsSpan(i * (rank + 1), rank + 1);
            var leaf = leaves.AsSpan(i * targets, targets);
            moved += (head.Quality(p, leaf, certain[i]) - before.Quality(p, leaf, certain[i])) / n;
        }

        var sample = snapshot.Calibration.WithKin((ushort)snapshot.Models.Count, kin.Weights, moved, answers.Count == 0 ? kin.Tokens : kin.Tokens * head.TokenFactor / before.TokenFactor);
        var origin = $"{snapshot.Origin}; and {model.Id} from {n} graded answers";
        return new Snapshot(
            origin, snapshot.Encoder, snapshot.Projection, snapshot.Forest,
            [.. snapshot.Models, model], [.. snapshot.Heads, head], snapshot.OutcomeCorrelation,
            sample.Rounded(), snapshot.Prior);
    }
}
