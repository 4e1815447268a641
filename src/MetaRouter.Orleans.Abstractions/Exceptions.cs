namespace MetaRouter.Orleans;

/// <summary>The silo has as many requests in hand as it takes, and refuses at once instead of letting a queue grow. Try again shortly, or add silos.</summary>
[GenerateSerializer, Alias("metarouter.busy")]
public sealed class RouterBusyException : Exception
{
    public RouterBusyException()
    {
    }

    public RouterBusyException(string message)
        : base(message)
    {
    }

    public RouterBusyException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>What the cluster keeps could not be loaded or saved. What was not acknowledged may be sent again: it counts once.</summary>
[GenerateSerializer, Alias("metarouter.store")]
public sealed class RouterStoreException : IOException
{
    public RouterStoreException()
    {
    }

    public RouterStoreException(string message)
        : base(message)
    {
    }

    public RouterStoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
