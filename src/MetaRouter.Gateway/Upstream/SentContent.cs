using System.Net;

namespace MetaRouter.Gateway.Upstream;

/// <summary>Knows whether it has been handed to the connection whole.</summary>
internal sealed class SentContent(byte[] bytes) : ByteArrayContent(bytes)
{
    public bool IsSent { get; private set; }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await base.SerializeToStreamAsync(stream, context, cancellationToken).ConfigureAwait(false);
        IsSent = true;
    }
}
