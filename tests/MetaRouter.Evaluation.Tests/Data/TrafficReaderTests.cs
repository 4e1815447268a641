using System.Text;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Tests.Data;

public sealed class TrafficReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Else a threshold is calibrated on texts that nobody will send.</summary>
    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("iso-8859-1")]
    public void Read_TextOfAnotherEncoding_SaysSo(string encoding)
    {
        var path = Write(encoding, "Über was?\nWarum möchtest du das?\n");

        Should.Throw<DataFileException>(() => TrafficReader.Read(path)).Message.ShouldContain("line 1: not text in UTF-8");
    }

    [Fact]
    public void Read_TextOfWindows_IsItsLines() =>
        TrafficReader.Read(Write("utf-8", "\uFEFFÜber was?\r\n\r\nWarum?\r\n")).Requests.ShouldBe(["Über was?", "Warum?"]);

    private string Write(string encoding, string text)
    {
        var path = Path.Combine(_folder.Path, "traffic.txt");
        File.WriteAllBytes(path, Encoding.GetEncoding(encoding).GetBytes(text));
        return path;
    }
}
