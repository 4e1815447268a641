using System.Buffers.Binary;
using MetaRouter.Core.Users;

namespace MetaRouter.Orleans.Users;

/// <summary>A user's record: format version, time of the last erasure (Unix milliseconds, 0: never), and the state as <see cref="UserState"/> writes it.</summary>
internal static class UserRecord
{
    private const byte Version = 1;
    private const int Header = 1 + sizeof(long);

    /// <param name="state">As <see cref="UserState.ToBytes"/> gives it; empty for a user nothing is known of.</param>
    /// <param name="erasedAtMs">Unix milliseconds; 0: never.</param>
    public static byte[] Write(ReadOnlySpan<byte> state, long erasedAtMs)
    {
        var record = new byte[Header + state.Length];
        record[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(1), erasedAtMs);
        state.CopyTo(record.AsSpan(Header));
        return record;
    }

    /// <summary>False when it is not a record; <paramref name="error"/> says why.</summary>
    public static bool TryRead(ReadOnlySpan<byte> record, out UserState state, out long erasedAtMs, out string error)
    {
        (state, erasedAtMs, error) = (UserState.Empty, 0, "");
        if (record.IsEmpty)
        {
            return true;
        }

        if (record.Length < Header || record[0] != Version)
        {
            error = $"The record has {record.Length} bytes and begins with {record[0]}; a record of version {Version} begins with {Version} and has {Header} or more.";
            return false;
        }

        erasedAtMs = BinaryPrimitives.ReadInt64LittleEndian(record[1..]);
        if (record.Length == Header)
        {
            return true;
        }

        if (UserState.TryRead(record[Header..], out var read, out var why))
        {
            state = read;
            return true;
        }

        error = why;
        return false;
    }
}
