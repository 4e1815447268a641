namespace MetaRouter.Gateway.Upstream;

/// <summary>Reads a body that the connection's handler unpacks on the way.</summary>
internal static class UnpackedStream
{
    /// <exception cref="InvalidDataException">It cannot be unpacked.</exception>
    public static async ValueTask<int> ReadUnpackedAsync(this Stream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException(e.Message, e); // how .NET tells it of Brotli, unlike of the other ways
        }
    }
}
