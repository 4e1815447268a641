namespace MetaRouter.Hosting.Stores;

internal static class UserStoreExtensions
{
    /// <summary>Replaces a named value by what is made of it, and does so again if another router wrote in between.</summary>
    /// <param name="change">From the value as it is (null: there is none) to the one to write; may be called several times.</param>
    /// <returns>What was written.</returns>
    /// <exception cref="StoreException">It may or may not have been written.</exception>
    public static async Task<byte[]> ChangeValueAsync(this IUserStore store, string name, Func<byte[]?, byte[]> change, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < StoreException.MostRetries; attempt++)
        {
            var before = await store.ReadValueAsync(name, cancellationToken).ConfigureAwait(false);
            var after = change(before);

            // Not cancelled on its way: whoever asked must know whether it was done.
            if (await store.WriteValueAsync(name, after, before, CancellationToken.None).ConfigureAwait(false))
            {
                return after;
            }
        }

        throw StoreException.Contended($"The store's value '{name}'");
    }
}
