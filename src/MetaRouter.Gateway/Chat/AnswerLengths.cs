using System.Collections.Concurrent;
using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// How long each model's answers are beside what is predicted of them, and so of their costs. Where they are far longer, as a reasoning model's that is taken for another, or far
/// shorter, the log says so, with the <see cref="ModelProfile.OutputScale"/> that would be right.
/// </summary>
/// <remarks>
/// Measured are whole answers to requests that were decided, by the upstream's count. Where a limit is not well above the prediction, the answers that it did not cut are the short
/// ones, which say little of the others; such requests are left out.
/// </remarks>
internal sealed partial class AnswerLengths(PoolHolder pool, GatewaySettings settings, GatewayMetrics metrics, TimeProvider time, ILogger<AnswerLengths> logger)
{
    /// <summary>Fewer answers say more of themselves than of the model.</summary>
    private const int LeastAnswers = 50;

    /// <summary>After so many answers those until then count half: a model may change behind its name.</summary>
    private const int MostAnswers = 1000;

    /// <summary>By this factor a prediction may be off, either way, before anybody is told.</summary>
    private const double Far = 2;

    /// <summary>A request's limit has to be so many times what is predicted.</summary>
    private const double LeastRoom = 2;

    private readonly ConcurrentDictionary<ModelId, Tally> _of = new();

    /// <summary>Completion tokens counted for each predicted at this <see cref="ModelProfile.OutputScale"/>; null: too few answers were measured.</summary>
    public double? RatioOf(ModelProfile model) => _of.TryGetValue(model.Id, out var tally) ? tally.RatioAt(model.OutputScale) : null;

    /// <summary>Takes in one model's answer to a request, all choices of it, that came to its regular end.</summary>
    public void Measure(ChatCall call, ModelId model, in Spending spent, bool isCut)
    {
        var serving = pool.Current;
        if (settings.IsSimulated || isCut || spent is not { Source: "usage", Tokens.Completion: > 0 and var counted }
            || call.Decision is not { } decision || decision.Receipt.CatalogVersion != serving.Catalog.Version
            || !serving.Catalog.TryFind(model, out var index) || !serving.PredictsTokens(model))
        {
            return;
        }

        var limit = call.Body.Needs.ExpectedOutputTokens;
        double predicted = decision.Model == model ? decision.Receipt.OutputTokens : serving.PredictOutputTokens(call.Body.Asked.Text, model, limit, EncodingScratch.OfThread);
        if (!(predicted > 0) || (limit > 0 && limit < LeastRoom * predicted))
        {
            return;
        }

        predicted *= call.Body.Choices;
        var label = new KeyValuePair<string, object?>(LabelNames.Model, model.Value);
        metrics.AnswerTokens.Add(counted, label);
        metrics.AnswerTokensPredicted.Add(predicted, label);
        var scale = serving.Catalog.Models[index].OutputScale;
        var tally = _of.GetOrAdd(model, static (_, time) => new Tally(time), time);
        if (tally.Add(counted, predicted, scale) is { } ratio and (> Far or < 1 / Far) && Remedy(scale, ratio) is var right && right != scale && tally.Logged.IsDue())
        {
            LogFar(model.Value, Text(Rounded(ratio)), Text(scale), Text(right));
        }
    }

    /// <summary>The scale at which the ratio would be 1, within what may be set.</summary>
    private static double Remedy(double scale, double ratio) => Math.Clamp(Rounded(scale * ratio), ModelCatalog.LeastOutputScale, ModelCatalog.MostOutputScale);

    /// <summary>To two digits: more is not known.</summary>
    private static double Rounded(double value) => double.Parse(value.ToString("G2", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Text(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Answers of {Model} are {Ratio} times as long as predicted at its OutputScale of {Scale}, so what it costs is predicted wrongly, and with it are decisions and savings. "
            + "Set its OutputScale to {Right}, in MetaRouter:Models or, while the gateway runs, as output_scale by PUT /v1/router/models. Not told again within an hour.")]
    private partial void LogFar(string model, string ratio, string scale, string right);

    /// <summary>Sums over one model's answers at one scale; begun anew when that changes. Thread-safe.</summary>
    private sealed class Tally(TimeProvider time)
    {
        private readonly Lock _gate = new();
        private double _scale, _counted, _predicted;
        private int _answers;

        public OnceEvery Logged { get; } = new(TimeSpan.FromHours(1), time);

        /// <summary>As it is after this answer; null: too few were measured.</summary>
        public double? Add(double counted, double predicted, double scale)
        {
            lock (_gate)
            {
                if (_scale != scale)
                {
                    (_scale, _answers, _counted, _predicted) = (scale, 0, 0, 0);
                }

                (_answers, _counted, _predicted) = (_answers + 1, _counted + counted, _predicted + predicted);
                if (_answers == MostAnswers)
                {
                    (_answers, _counted, _predicted) = (_answers / 2, _counted / 2, _predicted / 2);
                }

                return Ratio;
            }
        }

        public double? RatioAt(double scale)
        {
            lock (_gate)
            {
                return _scale == scale ? Ratio : null;
            }
        }

        private double? Ratio => _answers >= LeastAnswers ? _counted / _predicted : null;
    }
}
