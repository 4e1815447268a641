namespace MetaRouter.Core.Catalog;

/// <summary>The name of a routable model, as its upstream spells it: 1 to 128 visible ASCII characters, compared ordinally.</summary>
public readonly record struct ModelId
{
    public const int MaxLength = 128;

    /// <exception cref="ArgumentException">The name is empty, longer than 128 characters, or has a character outside '!'..'~'.</exception>
    public ModelId(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Length is 0 or > MaxLength)
        {
            throw new ArgumentException($"A model id has 1 to {MaxLength} characters; this one has {value.Length}.", nameof(value));
        }

        if (value.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ArgumentException($"Model id '{value}' has a character that is not visible ASCII; use the id the upstream lists, without spaces.", nameof(value));
        }

        Value = value;
    }

    public string Value => field ?? "";

    public override string ToString() => Value;
}
