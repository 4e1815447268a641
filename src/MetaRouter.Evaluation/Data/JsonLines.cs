using System.Buffers.Binary;

namespace MetaRouter.Evaluation.Data;

/// <summary>
/// The lines of a .jsonl file, and the rows of a .csv or .tsv as such lines, each plain or as .gz, as bytes, so that a line of bad UTF-8 is that line's problem and not the file's.
/// Empty lines are left out but counted.
/// </summary>
internal static class JsonLines
{
    // Longer than any prompt a model takes; a binary file without line ends stops here instead of filling the memory.
    private const int MaxLineBytes = 32 << 20;

    /// <param name="bad">Takes the rows of a table that have more or fewer fields than its header, which are left out; null: nobody asks for them.</param>
    /// <param name="areOutcomes">A table has answers; else it need have requests only.</param>
    /// <exception cref="DataFileException">Missing, unreadable, not gzip though named .gz, cut short, or with a line over 32 MB.</exception>
    public static IEnumerable<(int Line, ReadOnlyMemory<byte> Json)> Read(string path, BadLines? bad = null, bool areOutcomes = true)
    {
        if (DataFolder.IsTable(path))
        {
            foreach (var row in CsvLines.Read(path, () => Open(path), bad ?? new BadLines(), areOutcomes))
            {
                yield return row;
            }

            yield break;
        }

        using var stream = Open(path);
        var buffer = new byte[1 << 18];
        var (start, end, line) = (0, 0, 0);
        while (true)
        {
            var newline = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                var content = Content(buffer, start, newline, ++line);
                start += newline + 1;
                if (!content.IsEmpty)
                {
                    yield return (line, content);
                }

                continue;
            }

            if (start > 0)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
            }

            if (end == buffer.Length)
            {
                if (end >= MaxLineBytes)
                {
                    throw new DataFileException($"{path}: line {line + 1} is longer than {MaxLineBytes >> 20} MB; is this a JSON lines file?");
                }

                Array.Resize(ref buffer, 2 * end);
            }

            var got = Fill(stream, buffer.AsSpan(end), path);
            if (got == 0)
            {
                var content = Content(buffer, start, end - start, ++line);
                if (!content.IsEmpty)
                {
                    yield return (line, content);
                }

                yield break;
            }

            end += got;
        }
    }

    private static ReadOnlyMemory<byte> Content(byte[] buffer, int start, int length, int line)
    {
        var content = new ReadOnlyMemory<byte>(buffer, start, length);
        if (line == 1 && content.Span.StartsWith("\uFEFF"u8))
        {
            content = content[3..];
        }

        return content.Span.Trim(" \t\r"u8).IsEmpty ? default : content;
    }

    private static Stream Open(string path)
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16, FileOptions.SequentialScan);
            if (!path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
            {
                return file;
            }

            if (file.ReadByte() != 0x1f || file.ReadByte() != 0x8b)
            {
                file.Dispose();
                throw new DataFileException($"{path}: not a gzip file, though its name ends in .gz.");
            }

            Span<byte> trailer = stackalloc byte[4];
            file.Position = Math.Max(0, file.Length - trailer.Length);
            file.ReadExactly(trailer[..(int)Math.Min(trailer.Length, file.Length)]);
            file.Position = 0;
            return new WholeGzipStream(file, BinaryPrimitives.ReadUInt32LittleEndian(trailer), path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataFileException($"{path}: no such file.", e);
        }
        catch (UnauthorizedAccessException e) when (Directory.Exists(path))
        {
            throw new DataFileException($"{path}: cannot be read: it is a folder; give a file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            file?.Dispose();
            throw new DataFileException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    private static int Fill(Stream stream, Span<byte> space, string path)
    {
        try
        {
            return stream.Read(space);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new DataFileException($"{path}: damaged or cut short: {e.Message}", e);
        }
    }
}
