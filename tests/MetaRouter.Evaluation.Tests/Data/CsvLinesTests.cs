using System.Text;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Training;

namespace MetaRouter.Evaluation.Tests.Data;

/// <summary>A table of answers as data scientists have it: read as the outcome file it stands for.</summary>
public sealed class CsvLinesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(',')]
    [InlineData(';')]
    [InlineData('\t')]
    public void Read_RowsOfOneAnswerEach_AreTheRequestsOfAnOutcomeFile(char separator)
    {
        var csv = _folder.Write("own.csv", [.. ((string[])
        [
            "\uFEFFid,note,query,model,score,cost_usd,in,out,lat_s",
            "1,x,\"Say \"\"hi\"\", please;\tnow\nand again\",small,1,0.001,10,20,0.5",
            "1,,\"Say \"\"hi\"\", please;\tnow\nand again\",large,0.5,0.01,10,30,",
            "",
            "2,,second,small,0,0.002,11,21,",
        ]).Select(l => separator == ',' ? l : string.Concat(l.Split('"').Select((part, i) => (i > 0 ? "\"" : "") + (i % 2 == 0 ? part.Replace(',', separator) : part))))]);
        var lines = _folder.Write("same.jsonl",
            """{"id":"1","dataset":"own","query":"Say \"hi\", please;\tnow\nand again","models":{"small":{"score":1,"cost_usd":0.001,"in":10,"out":20,"lat_s":0.5},"large":{"score":0.5,"cost_usd":0.01,"in":10,"out":30}}}""",
            """{"id":"2","dataset":"own","query":"second","models":{"small":{"score":0,"cost_usd":0.002,"in":11,"out":21}}}""");

        var (read, same) = (OutcomeReader.Read(csv), OutcomeReader.Read(lines));

        read.BadLines.First.ShouldBeEmpty();
        read.Table.Name.ShouldBe("own");
        read.Table.Models.ShouldBe(same.Table.Models);
        read.Table.Queries.ShouldBe(same.Table.Queries);
        read.Table.Groups.ShouldBe(same.Table.Groups);
        read.Table.Score.ShouldBe(same.Table.Score);
        read.Table.CostUsd.ShouldBe(same.Table.CostUsd);
        read.Table.OutputTokens.ShouldBe(same.Table.OutputTokens);
        read.Table.LatencySeconds.ShouldBe(same.Table.LatencySeconds);
        TrafficReader.Read(csv).Requests.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("prompt,model,score\nq,a,1", "no column query; it has prompt, model, score")]
    [InlineData("query,model,score\nq,a,1,2", "line 2: has 4 fields, and the header 3")]
    [InlineData("query,model,score,cost_usd\n\"q,a,1,1\nr\",a,1,1\ns,\"a,1,1\nt,a\",1,1,1", "the row of lines 4 to 5 has 5 fields, and the header 4")]
    [InlineData("query,model,score\n\"q,a,1", "a quote that is opened in the row of line 2 is never closed")]
    [InlineData("query,model,score,cost_usd\nq,a,nan,1", "line 2: model 'a' has score \"nan\"; it must be a number from 0 to 1")]
    [InlineData("query,model,score,cost_usd\nq,a,,1", "line 2: model 'a' has no score")]
    [InlineData("query,model,score,cost_usd\nq,a,85%,1", "line 2: model 'a' has score \"85%\"; it must be a number from 0 to 1; a percentage is divided by 100")]
    [InlineData("query,model,score,cost_usd\nq,a,\"0,85\",1", "line 2: model 'a' has score \"0,85\"; it must be a number from 0 to 1, with a decimal point")]
    [InlineData("query;model;score;cost_usd;in\nq;a;1;1;1,000", "line 2: model 'a' has in \"1,000\"; it must be a number from 0 to 1000000000, with a decimal point")]
    [InlineData("query,model,score", "there is a header and no row below it")]
    [InlineData("query,model,score,cost_usd\n,a,1,1", "line 2: 'query' is missing")]
    [InlineData("", "The file is empty")]
    public void Read_BadTable_SaysWhere(string text, string message)
    {
        var path = _folder.Write("bad.csv", text.Split('\n'));
        Should.Throw<DataFileException>(() => OutcomeReader.Read(path)).Message.ShouldContain(message);
    }

    [Theory]
    [InlineData("Query,MODEL,Score,Cost_USD\nq,a,0.25,0.5")]
    [InlineData("Query;Model;Score;Cost_USD\nq;a;0,25;0,5")]
    [InlineData("query\tmodel\tscore\tcost_usd\nq\ta\t0,25\t5,0E-1")]
    [InlineData("sep=;\nquery;model;score;cost_usd\nq;a;0.25;0.5")]
    public void Read_TableAsSpreadsheetsExportIt_IsTheSameTable(string text)
    {
        var read = OutcomeReader.Read(_folder.Write("own.csv", text.Split('\n')));

        read.BadLines.First.ShouldBeEmpty();
        read.Table.Queries.ShouldBe(["q"]);
        read.Table.Score.ShouldBe([0.25f]);
        read.Table.CostUsd.ShouldBe([0.5]);
    }

    /// <summary>Where the comma is the decimal sign; elsewhere a point is it.</summary>
    [Theory]
    [InlineData("0,002", "1.250", 1250)]
    [InlineData("0,002", "1.250.000", 1_250_000)]
    [InlineData("0,002", "12.5", 12.5)]
    [InlineData("0,002", "0.250", 0.25)]
    [InlineData("0.002", "1.250", 1.25)]
    public void Read_PointsBetweenThousandsOfTokens_ArePassedOver(string cost, string tokens, double read)
    {
        var table = OutcomeReader.Read(_folder.Write("own.csv", "query;model;score;cost_usd;in;out", $"q;small;1;{cost};{tokens};7")).Table;
        (table.InputTokens[0], table.OutputTokens[0], table.CostUsd[0]).ShouldBe(((float)read, 7, 0.002));
    }

    [Theory]
    [InlineData("0,002", 1250)]
    [InlineData("0.002", 1.25)]
    public void Read_RowOfWholeNumbers_HasTheDecimalSignOfItsTable(string cost, double read)
    {
        var table = OutcomeReader.Read(_folder.Write("own.csv", "query;model;score;cost_usd;in;out", "q;small;1;0;1.250;7", $"r;small;1;{cost};8;9")).Table;
        table.InputTokens[0].ShouldBe((float)read);
    }

    [Theory]
    [InlineData("own.csv.gz")]
    [InlineData("own.tsv")]
    [InlineData("own.tsv.gz")]
    public void Read_TableOfAnotherName_IsOneLikeAnyOther(string name)
    {
        var path = _folder.Write(name, ["query\tmodel\tscore\tcost_usd", .. Enumerable.Range(0, 30).SelectMany(i => (string[])[$"question {i}\tsmall\t{i % 2}\t0.001", $"question {i}\tlarge\t1\t0.01"])]);

        OutcomeReader.Read(path).Table.Groups.ShouldAllBe(g => g == "own");
        DataFolder.Find(_folder.Path, "own").ShouldBe(path);
        Pools.Parse("own", _folder.Path).Models.Count.ShouldBe(2);
        TrainingData.Read(_folder.Path, [], default).Files.ShouldHaveSingleItem().Name.ShouldBe("own");
    }

    [Fact]
    public void Read_ZippedTableThatWasCutShort_IsRefused()
    {
        var path = _folder.Write("own.csv.gz", ["query,model,score,cost_usd", .. Enumerable.Range(0, 20000).Select(i => $"question {i},small,{i % 2},{i * 0.001}")]);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^2000]);

        Should.Throw<DataFileException>(() => OutcomeReader.Read(path)).Message.ShouldContain("cut short");
    }

    /// <summary>Two samples of one model, or two requests that were numbered alike: which line it is about has to be findable in the table.</summary>
    [Fact]
    public void Read_IdThatAModelAnsweredBefore_IsNamedAsTheTableHasIt() =>
        OutcomeReader.Read(_folder.Write("own.csv", "id,query,model,score,cost_usd", "7,first,small,1,0.001", "7,first,large,1,0.001", "7,second,small,1,0.001"))
            .BadLines.First.ShouldHaveSingleItem().ToString().ShouldContain("line 4: id '7' has an answer of 'small' on an earlier line");

    /// <summary>The last line of an export that was cut short, or a footer: that line's problem, as in JSON lines, and not the table's.</summary>
    [Fact]
    public void Read_RowWithAnotherNumberOfFields_IsSkippedAndReported()
    {
        var path = _folder.Write("own.csv", "query,model,score,cost_usd", "first,small,1,0.001", "second, or so,small,1,0.001", "third,small,1,0.001", "end of export");

        var read = OutcomeReader.Read(path);

        read.Table.Queries.ShouldBe(["first", "third"]);
        read.BadLines.First.Select(b => b.Line).ShouldBe([3, 5]);
        read.Warning.ShouldNotBeNull().ShouldContain("line 3: has 5 fields, and the header 4");
        TrafficReader.Read(path).BadLines.First.Select(b => b.Line).ShouldBe([3, 5]);
    }

    /// <summary>As spreadsheets save it unless told otherwise: the query learned from would not be the one that was asked.</summary>
    [Fact]
    public void Read_TableThatIsNotUtf8_IsRefused()
    {
        var path = _folder.Write("own.csv", "query,model,score,cost_usd");
        File.AppendAllBytes(path, Encoding.Latin1.GetBytes("caf\u00E9,small,1,0.001\n"));
        Should.Throw<DataFileException>(() => OutcomeReader.Read(path)).Message.ShouldContain("not UTF-8");
    }

    [Fact]
    public void Training_FolderWithATableOfSomethingElse_LeavesItOutAndSaysWhy()
    {
        _folder.Write("notes.csv", "day,what", "1,began");
        _folder.Write("nothing.csv", "query,model,score,cost_usd");
        _folder.Write("empty.jsonl");
        _folder.Write("own.csv", ["query,model,score,cost_usd", .. Enumerable.Range(0, 30).SelectMany(i => (string[])[$"question {i},small,{i % 2},0.001", $"question {i},large,1,0.01"])]);

        var data = TrainingData.Read(_folder.Path, [], default);

        data.Table.Rows.ShouldBe(30);
        data.Table.ModelCount.ShouldBe(2);
        var skipped = data.Skipped.Select(f => f.ToString()).ToList();
        skipped.Count.ShouldBe(3);
        skipped[0].ShouldBe("empty.jsonl (it is empty)");
        skipped[1].ShouldContain("notes.csv (the header has no column query, model, score");
        skipped[2].ShouldBe("nothing.csv (there is a header and no row below it)");
    }
}
