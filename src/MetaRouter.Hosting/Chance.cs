using System.Security.Cryptography;

namespace MetaRouter.Hosting;

/// <summary>Random bytes from the system, fetched in blocks: asking it for few costs as much as for many.</summary>
internal static class Chance
{
    private const int BlockBytes = 480;

    [ThreadStatic]
    private static byte[]? t_block;

    [ThreadStatic]
    private static int t_left;

    /// <summary>So many bytes, up to 480, each given out once. They are the caller's until its thread asks again.</summary>
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
