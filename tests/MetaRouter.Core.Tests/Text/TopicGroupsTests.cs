using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.Text;

public class TopicGroupsTests
{
    private const int Features = 2;

    [Fact]
    public void Learn_FewKinds_KeepsEachAndNamesItByItsWords()
    {
        var (x, kind, texts) = Requests(3);
        var groups = TopicGroups.Learn(["high_school_law", "maths", "cooking"], kind, x, Features, Features, texts, TopicGroups.None);

        groups.All.Select(g => g.Title).ShouldBe(["high school law", "maths", "cooking"]);
        groups.All.Select(g => g.Words[0]).ShouldBe(["alpha", "bravo", "charlie"]);
        groups.All[1].Label.ShouldBe("maths (bravo)", "a word that every request has tells nothing");
        groups.All.Select(g => g.Code).Distinct().Count().ShouldBe(3);
        groups.Find(groups.All[2].Code).ShouldBe(groups.All[2]);
        groups.Find(0).ShouldBeNull();
        TopicGroups.Learn(["maths"], [0, 0], new float[4], Features, Features, ["", ""], TopicGroups.None).All[0].Code.ShouldBe(groups.All[1].Code, "codes go by name, so that they survive another training");
    }

    [Fact]
    public void Learn_AfterOtherTopics_TheirCodesStayTheirs()
    {
        // Of 63 codes "maths" would take one, and so would some of these names: what users said on those topics must not be heard as said on maths.
        string[] names = [.. Enumerable.Range(0, 200).Select(i => $"kind {i}")];
        var maths = TopicGroups.Learn(["maths"], [0], [0, 0], Features, Features, [""], TopicGroups.None).All[0];
        var shared = names.First(n => TopicGroups.Learn([n], [0], [0, 0], Features, Features, [""], TopicGroups.None).All[0].Code == maths.Code);

        var later = TopicGroups.Learn([shared, "maths"], [0, 1], [0, 0, 1, 1], Features, Features, ["", ""], new TopicGroups([maths], [0])).All;
        later[1].Code.ShouldBe(maths.Code);
        later[0].Code.ShouldNotBe(maths.Code);
    }

    [Fact]
    public void Learn_TextsOfAnyScript_TellsTheirWordsWhole()
    {
        string[] texts = ["die Lösung der Übung", "证明：任意整数", "أثبت المعادلة"];
        int[] kind = [.. Enumerable.Range(0, 60).Select(i => i % 3)];
        float[] x = [.. kind.SelectMany(k => (float[])[k, 0])];
        var groups = TopicGroups.Learn(["de", "zh", "ar"], kind, x, Features, Features, [.. kind.Select(k => texts[k])], TopicGroups.None);

        groups.All.Select(g => g.Label).ShouldBe(["de (lösung, übung)", "zh (任意整数, 证明)", "ar (أثبت, المعادلة)"]);
    }

    [Fact]
    public void Learn_ManyKinds_GathersTheNearest()
    {
        // Twenty kinds on a line, in pairs: 0 and 10 at the same place, 1 and 11, and so on.
        var kinds = 20;
        int[] kind = [.. Enumerable.Range(0, kinds * 4).Select(i => i % kinds)];
        float[] x = [.. kind.SelectMany(k => (float[])[k % 10, 0])];
        var groups = TopicGroups.Learn([.. Enumerable.Range(0, kinds).Select(k => $"kind {k}")], kind, x, Features, Features, [.. kind.Select(_ => "")], TopicGroups.None);

        groups.All.Length.ShouldBe(TopicGroups.Most);
        var together = Enumerable.Range(0, 10).Count(k => groups.Of[k] == groups.Of[k + 10]);
        together.ShouldBe(5, "five unions of twenty leave fifteen, and the nearest go first");
        groups.All.ShouldAllBe(g => g.Code > 0 && g.Code < TopicGroups.Codes);
    }

    [Fact]
    public void CodeOf_AddsUpKindsAndIsSilentWhereNothingIsClear()
    {
        var groups = new TopicGroups([new(5, "a", []), new(9, "b", []), new(11, "c", [])], [0, 1, 1, 2]);
        groups.CodeOf([.4f, .3f, .3f, 0]).ShouldBe((byte)9);
        groups.CodeOf([.35f, .2f, .1f, .35f]).ShouldBe((byte)0);
        TopicGroups.None.CodeOf([1f]).ShouldBe((byte)0);
    }

    [Fact]
    public void New_BadCodes_AreRefused()
    {
        Should.Throw<ArgumentException>(() => new TopicGroups([new(5, "a", []), new(5, "b", [])], [0, 1])).Message.ShouldContain("'b' has code 5");
        Should.Throw<ArgumentException>(() => new TopicGroups([new(64, "a", [])], [0])).Message.ShouldContain("code 64");
        Should.Throw<ArgumentException>(() => new TopicGroups([new(5, "a", [])], [1])).Message.ShouldContain("1 topics for 1 kinds");
    }

    [Fact]
    public void Snapshot_WithTopics_ReadsBackAndOneWithoutIsOfTheFormerVersion()
    {
        var hand = SomeSnapshots.ByHand([new("a", .5f, 1), new("b", .6f, 2)]);
        SnapshotCodec.Write(hand)[8].ShouldBe((byte)SnapshotCodec.FormatVersion);

        var trained = SomeSnapshots.TwoTopics;
        var read = SnapshotCodec.Read(SnapshotCodec.Write(trained));
        var (groups, again) = (trained.Encoder.Topics.Groups, read.Encoder.Topics.Groups);
        groups.All.Length.ShouldBe(2);
        again.All.Select(g => (g.Code, g.Label)).ShouldBe(groups.All.Select(g => (g.Code, g.Label)));
        again.Of.ToArray().ShouldBe(groups.Of.ToArray());
        read.Prior.Topics.ShouldBe(trained.Prior.Topics);
        read.Version.ShouldBe(trained.Version);
    }

    /// <summary>Requests of each kind hold the kind's own word and one that all have.</summary>
    private static (float[] X, int[] Kind, string[] Texts) Requests(int kinds)
    {
        string[] words = ["alpha", "bravo", "charlie"];
        int[] kind = [.. Enumerable.Range(0, 10 * kinds).Select(i => i % kinds)];
        return ([.. kind.SelectMany(k => (float[])[k, 1])], kind, [.. kind.Select(k => $"Everyone says {words[k]}, an {words[k]}.")]);
    }
}
