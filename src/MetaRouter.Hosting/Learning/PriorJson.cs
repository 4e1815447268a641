using System.Text.Json;
using System.Text.Json.Serialization;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Hosting.Learning;

/// <summary>A prior as a small JSON document, readable by people.</summary>
internal static class PriorJson
{
    /// <summary>Versions, by what each was the first to have.</summary>
    private const int WithSpeech = 2, WithTopics = 3, WithLatency = 4, Latest = WithLatency;

    private static readonly JsonSerializerOptions s_options = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private sealed record Document(
        int Version,
        IReadOnlyList<Group>? Components,
        IReadOnlyList<double>? BetaWeights,
        double Lapse,
        IReadOnlyList<Kind>? Speech = null,
        Spread? Topics = null,
        Waiting? Latency = null);

    private readonly record struct Group(double Weight, double Mean, double Deviation);

    private readonly record struct Kind(double Strength, double Lapse);

    private readonly record struct Spread(double Share, double Width);

    private readonly record struct Waiting(double Share, double Price);

    /// <summary>Written as the earliest version that has room for it, so that an older program reads it too.</summary>
    public static byte[] Write(PopulationPrior prior)
    {
        var (speech, topics, latency) = (prior.HasLearnedSpeech, prior.Topics != TopicSpread.Guessed, prior.Latency != LatencySpread.Guessed);
        var document = new Document(
            latency ? WithLatency : topics ? WithTopics : speech ? WithSpeech : 1,
            [.. prior.Components.Select(c => new Group(c.Weight, c.Mean, c.Deviation))], prior.BetaWeights, prior.Lapse,
            speech ? [.. prior.Speech.Select(s => new Kind(s.Strength, s.Lapse))] : null,
            topics ? new(prior.Topics.Share, prior.Topics.Width) : null,
            latency ? new(prior.Latency.Share, prior.Latency.Price) : null);
        return JsonSerializer.SerializeToUtf8Bytes(document, s_options);
    }

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

            if (document.Version is < 1 or > Latest)
            {
                throw new JsonException($"the document has version {document.Version}; this program knows 1 to {Latest}");
            }

            return new PopulationPrior(
                [.. document.Components.Select(c => new PopulationPrior.Component(c.Weight, c.Mean, c.Deviation))], document.BetaWeights, document.Lapse,
                document.Speech?.Select(s => new SignalSpeech(s.Strength, s.Lapse)).ToArray(),
                document.Topics is { } topics ? new TopicSpread(topics.Share, topics.Width) : null,
                document.Latency is { } latency ? new LatencySpread(latency.Share, latency.Price) : null);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            error = e.Message;
            return null;
        }
    }
}
