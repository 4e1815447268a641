using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace MetaRouter.Core.Routing;

/// <summary>A request's projected features as a receipt carries them: 0 to 16 numbers in half precision (3 significant digits, within ±65,504). Equal when every number is.</summary>
public readonly struct ReceiptFeatures : IEquatable<ReceiptFeatures>
{
    public const int MaxCount = 16;

    private readonly Halves _values;
    private readonly byte _count;

    /// <exception cref="ArgumentException">More than 16 features, or one that half precision cannot hold.</exception>
    public ReceiptFeatures(ReadOnlySpan<float> features)
    {
        if (features.Length > MaxCount)
        {
            throw new ArgumentException($"A receipt carries at most {MaxCount} features; there are {features.Length}. Project them to fewer.", nameof(features));
        }

        for (var i = 0; i < features.Length; i++)
        {
            var value = (Half)features[i];
            if (!Half.IsFinite(value))
            {
                throw new ArgumentException($"Feature {i} is {features[i]}; a receipt holds finite numbers within ±{Half.MaxValue}. Scale the projection.", nameof(features));
            }

            _values[i] = value;
        }

        _count = (byte)features.Length;
    }

    public int Count => _count;

    public float this[int index] => (float)Values[index];

    [UnscopedRef]
    internal ReadOnlySpan<Half> Values => ((ReadOnlySpan<Half>)_values)[.._count];

    /// <param name="features">At least <see cref="Count"/> long; the rest is left as it is.</param>
    public void CopyTo(Span<float> features)
    {
        for (var i = 0; i < _count; i++)
        {
            features[i] = (float)_values[i];
        }
    }

    public bool Equals(ReceiptFeatures other) => Values.SequenceEqual(other.Values);

    public override bool Equals(object? obj) => obj is ReceiptFeatures other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var value in Values)
        {
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    public static bool operator ==(ReceiptFeatures left, ReceiptFeatures right) => left.Equals(right);

    public static bool operator !=(ReceiptFeatures left, ReceiptFeatures right) => !left.Equals(right);

    [InlineArray(MaxCount)]
    private struct Halves
    {
        private Half _first;
    }
}
