using System.Text;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Tests;

/// <summary>Events read from bytes, however they come.</summary>
public sealed class SseReaderTests
{
    [Fact]
    public async Task SseReader_AnyCut_GivesTheSameEvents()
    {
        var text = Encoding.UTF8.GetBytes("data: a\n\n: c\r\n\r\nevent: x\ndata: b\r\ndata: c\n\ndata: unfinished\n");
        var random = new Random(5);
        for (var trial = 0; trial < 200; trial++)
        {
            using var reader = new SseReader(new CutStream(text, random), 1000);
            var events = new List<string>();
            while (await reader.ReadAsync(CancellationToken.None) is { IsEmpty: false } one)
            {
                events.Add(Encoding.UTF8.GetString(one.Span));
            }

            events.ShouldBe(["data: a\n\n", ": c\r\n\r\n", "event: x\ndata: b\r\ndata: c\n\n"]);
        }

        using var endless = new SseReader(new MemoryStream(new byte[5000]), 1000);
        await Should.ThrowAsync<InvalidDataException>(async () => await endless.ReadAsync(CancellationToken.None));
    }

    /// <summary>The standard ends lines by \n, \r\n or \r, and lets them be mixed.</summary>
    [Theory]
    [InlineData("data: a\r\r: c\r\revent: x\rdata: b\r\r", "data: a\n\n", ": c\n\n", "event: x\ndata: b\n\n")]
    [InlineData("data: a\r\rdata: b\r\n\r\ndata: c\n\n", "data: a\n\n", "data: b\r\n\r\n", "data: c\n\n")]
    [InlineData("data: a\r\n\rdata: b\n\rdata: c\r\r", "data: a\r\n\n", "data: b\n\n", "data: c\n\n")]
    [InlineData("data: a\n\r", "data: a\n\n")]
    public async Task SseReader_CarriageReturnsAlone_EndLinesToo(string sent, params string[] expected)
    {
        var text = Encoding.UTF8.GetBytes(sent);
        var random = new Random(6);
        for (var trial = 0; trial < 200; trial++)
        {
            using var reader = new SseReader(new CutStream(text, random), 1000);
            var events = new List<string>();
            while (await reader.ReadAsync(CancellationToken.None) is { IsEmpty: false } one)
            {
                events.Add(Encoding.UTF8.GetString(one.Span));
            }

            // Where \r\n was cut within, its parts may be told apart; no event is lost or made up by it.
            events.Select(Plain).ShouldBe(expected.Select(Plain));
            if (!sent.Contains("\r\n", StringComparison.Ordinal))
            {
                events.ShouldBe(expected);
            }
        }

        static string Plain(string text) => text.ReplaceLineEndings("\n");
    }

    /// <summary>Who waited for a newline after the last return would have each event when the next one comes.</summary>
    [Fact]
    public async Task SseReader_CarriageReturnsAlone_EventIsThereAtItsEnd()
    {
        var pipe = new System.IO.Pipelines.Pipe();
        using var reader = new SseReader(pipe.Reader.AsStream(), 1000);
        foreach (var sent in (string[])["data: a\r\r", "data: b\r\r"])
        {
            await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(sent));
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            Encoding.UTF8.GetString((await reader.ReadAsync(limit.Token)).Span).ShouldBe(sent.ReplaceLineEndings("\n"));
        }
    }

    [Theory]
    [InlineData("event: a\ndata: a\n\nevent: b\r\ndata: b\r\n\r\n: c\n\n")]
    [InlineData("event: a\rdata: a\r\revent: b\rdata: b\r\r: c\r\r")]
    public async Task SseReader_EventThatIsUnread_ComesAgain(string sent)
    {
        var random = new Random(7);
        for (var trial = 0; trial < 200; trial++)
        {
            using var reader = new SseReader(new CutStream(Encoding.UTF8.GetBytes(sent), random), 1000);
            var count = 0;
            while (await reader.ReadAsync(CancellationToken.None) is { IsEmpty: false } one)
            {
                var (first, length) = (Encoding.UTF8.GetString(one.Span), one.Length);
                reader.Unread(length);
                reader.HasEvent.ShouldBeTrue();
                Encoding.UTF8.GetString((await reader.ReadAsync(CancellationToken.None)).Span).ShouldBe(first);
                count++;
            }

            count.ShouldBe(3);
        }
    }

    /// <summary>Gives a text in pieces of any length.</summary>
    private sealed class CutStream(byte[] text, Random random) : MemoryStream(text)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, 9))], cancellationToken);
    }
}
