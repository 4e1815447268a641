using System.Text.Json;
using System.Text.Json.Serialization;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Hosting.Learning;

/// <summary>A prior as a small JSON document, readable by people.</summary>
internal static class PriorJson
{
    private static readonly JsonSerializerOptions s_options = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private sealed record Document(int Version, IReadOnlyList<Group>? Components, IReadOnlyList<double>? BetaWeights, double Lapse, IReadOnlyList<Kind>? Speech = null, Spread? Topics = null, Waiting? Latency = null);

    private readonly record struct Group(double Weight, double Mean, double Deviation);

    private readonly record struct Kind(double Strength, double Lapse);

    private readonly record struct Spread(double Share, double Width);

    private readonly record struct Waiting(double Share, double Price);

    /// <summary>Version 1 while neither how kinds speak nor how topics differ was learned, 2 while topics were not, 3 while waiting was not, so that an older program reads it too.</summary>
    public static byte[] Write(PopulationPrior prior) =>
        JsonSerializer.SerializeToUtf8Bytes(new Document(prior.Latency != LatencySpread.Guessed ? 4 : prior.Topics != TopicSpread.Guessed ? 3 : prior.HasLearnedSpeech ? 2 : 1, [.. prior.Components.Select(c => new Group(c.Weight, c.Mean, c.Deviation))], prior.BetaWeights, prior.Lapse, prior.HasLearnedSpeech ? [.. prior.Speech.Select(s => new Kind(s.Strength, s.Lapse))] : null, prior.Topics != TopicSpread.Guessed ? new(prior.Topics.Share, prior.Topics.Width) : null, prior.Latency != LatencySpread.Guessed ? new(prior.Latency.Share, prior.Latency.Price) : null), s_options);

    /// <returns>Null when the bytes make no prior; <paramref name="error"/> says why.</returns>
    public static PopulationPrior? Read(byte[] bytes, out string error)
    {
        error = "";
        try
        {
            var document = JsonSerializer.Deserialize<Document>(bytes) ?? throw new JsonException("the document is null");
            if (document.Components is null || document.BetaWeights is null)
            {
                throw new JsonException("the document lacks Components or BetaWeights");
            }

            return document.Version is >= 1 and <= 4
                ? new PopulationPrior([.. document.Components.Select(c => new PopulationPrior.Component(c.Weight, c.Mean, c.Deviation))], document.BetaWeights, document.Lapse, document.Speech?.Select(s => new SignalSpeech(s.Strength, s.Lapse)).ToArray(), document.Topics is { } topics ? new TopicSpread(topics.Share, topics.Width) : null, document.Latency is { } latency ? new LatencySpread(latency.Share, latency.Price) : null)
                : throw new JsonException($"the document has version {document.Version}; this program knows 1 to 4");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            error = e.Message;
            return null;
        }
    }
}
