using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Catalog;

/// <summary>The routable models with their prices: immutable, replaced whole. Order is the operator's and carries no meaning.</summary>
public sealed class ModelCatalog
{
    public const int MaxModels = 1024;

    /// <summary>Eleven days: no answer takes that long, and utilities of far larger numbers would overflow a float.</summary>
    public const double MostLatencySeconds = 1e6;

    /// <summary>Answers further from what is predicted than a hundredfold are no longer of the kind that was predicted.</summary>
    public const double LeastOutputScale = 0.01, MostOutputScale = 100;

    private readonly Dictionary<ModelId, int> _index = [], _aliases = [];

    /// <exception cref="ArgumentException">Empty, too large, a missing model or id, a duplicate id, an alias that means something else already, a bad context window, latency or output
    /// scale, or a model that is its own sibling; every problem is named.</exception>
    public ModelCatalog(IEnumerable<ModelProfile> models)
    {
        ArgumentNullException.ThrowIfNull(models);
        Models = [.. models];
        var problems = new List<string>();
        if (Models.IsEmpty)
        {
            problems.Add("the catalog is empty; list at least one model with its prices");
        }
        else if (Models.Length > MaxModels)
        {
            problems.Add($"the catalog has {Models.Length} models; at most {MaxModels} are routed");
        }

        for (var i = 0; i < Models.Length; i++)
        {
            var model = Models[i];
            if (model is null)
            {
                problems.Add($"model {i + 1} of {Models.Length} is missing; remove the empty entry");
                continue;
            }

            if (model.Id == default)
            {
                problems.Add($"model {i + 1} of {Models.Length} has no id; give it the name its upstream lists");
            }
            else if (!_index.TryAdd(model.Id, i))
            {
                problems.Add($"model '{model.Id}' is listed twice; remove one of the two");
            }

            if (model.ContextWindow < 1)
            {
                problems.Add($"model '{model.Id}' has a context window of {model.ContextWindow} tokens; it must be at least 1");
            }

            if (model.LatencySeconds is { } seconds && !(seconds is >= 0 and <= MostLatencySeconds))
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"model '{model.Id}' has a latency of {seconds} s; it must be from 0 to {MostLatencySeconds:n0}, or left out"));
            }

            if (!(model.OutputScale is >= LeastOutputScale and <= MostOutputScale))
            {
                problems.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"model '{model.Id}' has an OutputScale of {model.OutputScale}; it must be from {LeastOutputScale} to {MostOutputScale}: how many times as long as predicted its answers are, 1 where it is left out"));
            }

            if (model.Sibling == model.Id)
            {
                problems.Add($"model '{model.Id}' is its own sibling; name another model or none");
            }
        }

        for (var i = 0; i < Models.Length; i++)
        {
            foreach (var alias in Models[i]?.Aliases ?? [])
            {
                if (_index.ContainsKey(alias) || IsRouted(alias))
                {
                    problems.Add($"model '{Models[i].Id}' has the alias '{alias}', which {(IsRouted(alias) ? "asks for routing" : "is a model's id")}; leave it out");
                }
                else if (!_aliases.TryAdd(alias, i))
                {
                    problems.Add($"the alias '{alias}' of model '{Models[i].Id}' is given already; a name stands for one model");
                }
            }
        }

        if (problems.Count > 0)
        {
            throw new ArgumentException("The model catalog cannot be used: " + string.Join("; ", problems) + ".", nameof(models));
        }

        Version = Fingerprint(Models);
    }

    public ImmutableArray<ModelProfile> Models { get; }

    public int Count => Models.Length;

    /// <summary>A fingerprint of everything in it: two catalogs with equal versions route alike.</summary>
    public ulong Version { get; }

    public bool TryFind(ModelId id, out int index) => _index.TryGetValue(id, out index);

    /// <summary>The model that callers mean by a name: its id or one of its aliases.</summary>
    public bool TryFindNamed(ModelId name, out int index) => _index.TryGetValue(name, out index) || _aliases.TryGetValue(name, out index);

    /// <exception cref="KeyNotFoundException">The catalog has no such model; the message lists those it has.</exception>
    public int IndexOf(ModelId id) => _index.TryGetValue(id, out var index)
        ? index
        : throw new KeyNotFoundException($"Model '{id}' is not in the catalog. It has: {string.Join(", ", Models.Take(20).Select(m => m.Id))}{(Count > 20 ? $" and {Count - 20} more" : "")}.");

    private static bool IsRouted(ModelId name) => name.Value is Dial.Auto or Dial.Quality or Dial.Balanced or Dial.Cheap;

    private static ulong Fingerprint(ImmutableArray<ModelProfile> models)
    {
        var text = new StringBuilder();
        foreach (var m in models)
        {
            text.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"{m.Id}\n{m.InputPrice.Usd:R} {m.OutputPrice.Usd:R} {m.ContextWindow} {(int)m.Capabilities} {m.LatencySeconds:R} "
                    + $"{m.Enabled} {m.Sibling}{(m.CachedInputPrice is { } cached ? " " + cached.Usd.ToString("R", CultureInfo.InvariantCulture) : "")}"
                    + $"{(m.CacheWritePrice is { } write ? " w" + write.Usd.ToString("R", CultureInfo.InvariantCulture) : "")}"
                    + $"{(m.OutputScale != 1 ? " x" + m.OutputScale.ToString("R", CultureInfo.InvariantCulture) : "")}"
                    + $"{(m.Aliases.Count > 0 ? " = " + string.Join(' ', m.Aliases) : "")}\n");
        }

        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
