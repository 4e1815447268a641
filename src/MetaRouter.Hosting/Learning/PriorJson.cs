using System.Text.Json;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Hosting.Learning;

/// <summary>A prior as a small JSON document, readable by people.</summary>
internal static class PriorJson
{
    private sealed record Document(int Version, IReadOnlyList<Group>? Components, IReadOnlyList<double>? BetaWeights, double Lapse);

    private readonly record struct Group(double Weight, double Mean, double Deviation);

    public static byte[] Write(PopulationPrior prior) =>
        JsonSerializer.SerializeToUtf8Bytes(new Document(1, [.. prior.Components.Select(c => new Group(c.Weight, c.Mean, c.Deviation))], prior.BetaWeights, prior.Lapse));

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

            return document.Version == 1
                ? new PopulationPrior([.. document.Components.Select(c => new PopulationPrior.Component(c.Weight, c.Mean, c.Deviation))], document.BetaWeights, document.Lapse)
                : throw new JsonException($"the document has version {document.Version}; this program knows 1");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            error = e.Message;
            return null;
        }
    }
}
