using MetaRouter.Core.Text;

namespace MetaRouter.Hosting;

/// <summary>Room to encode a request in, one for each thread: half a megabyte is too much for one request.</summary>
internal static class EncodingScratch
{
    [ThreadStatic]
    private static RequestEncoding? t_scratch;

    /// <summary>Not to be kept: the next request encoded on this thread overwrites it.</summary>
    public static RequestEncoding OfThread => t_scratch ??= new RequestEncoding();
}
