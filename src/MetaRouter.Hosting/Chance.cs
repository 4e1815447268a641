using System.Security.Cryptography;

namespace MetaRouter.Hosting;

/// <summary>Random bytes from the system, fetched in blocks: a few cost as much to fetch as many.</summary>
internal static class Chance
{
    private const int BlockBytes = 480;

    [ThreadStatic]
    private static byte[]? t_block;

    [ThreadStatic]
    private static int t_left;

    /// <summary>As many bytes as asked, up to 480, each given out once. The span is valid until this thread asks again.</summary>
    public static ReadOnlySpan<byte> Take(int bytes)
    {
        var block = t_block ??= new byte[BlockBytes];
        if (t_left < bytes)
        {
            RandomNumberGenerator.Fill(block);
            t_left = block.Length;
        }

        t_left -= bytes;
        return block.AsSpan(t_left, bytes);
    }
}
