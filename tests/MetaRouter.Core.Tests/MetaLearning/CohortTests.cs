using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Tests.MetaLearning;

public class CohortTests
{
    [Fact]
    public void Put_MoreThanAreKept_TellsWhoWasDropped()
    {
        var (gone, evidence) = (new List<ulong>(), new byte[ChoiceModel.Hypotheses]);
        var cohort = new Cohort(4) { OnDropped = gone.Add };
        foreach (var user in (ulong[])[1, 2, 3, 4, 1, 5])
        {
            cohort.Put(user, evidence);
        }

        gone.ShouldBeEmpty("a quarter more is kept for a while");
        cohort.Put(6, evidence);
        gone.ShouldBe(new ulong[] { 2, 3 }, ignoreOrder: true); // 1 spoke again
        cohort.Entries().Select(e => e.User).ShouldBe([4, 1, 5, 6]);
        cohort.Remove(4);
        gone.Count.ShouldBe(2);
    }

    [Fact]
    public void Remove_Anyone_LeavesTheOthersTheirOwnEvidence()
    {
        var cohort = new Cohort(1_000);
        for (ulong user = 0; user < 600; user++)
        {
            cohort.Put(user, Evidence(user));
        }

        ulong[] erased = [0, 255, 256, 300, 511, 599];
        foreach (var user in erased)
        {
            cohort.Remove(user).ShouldBeTrue();
            cohort.Remove(user).ShouldBeFalse();
        }

        cohort.Entries().Select(e => e.User).ShouldBe(Enumerable.Range(0, 600).Select(u => (ulong)u).Except(erased));
        foreach (var (user, packed) in cohort.Entries())
        {
            packed.ToArray().ShouldBe(Evidence(user));
        }

        static byte[] Evidence(ulong user) => [.. Enumerable.Range(0, ChoiceModel.Hypotheses).Select(h => (byte)(user + (ulong)h))];
    }

    [Fact]
    public void Expect_IsThePosteriorOfEachUserOfThePart()
    {
        var (cohort, evidence, prior) = (new Cohort(10), new byte[ChoiceModel.Hypotheses], PopulationPrior.Default);
        evidence.AsSpan(2).Fill(20); // a nat less likely than the first two
        cohort.Put(1, evidence);
        cohort.Put(5, evidence); // every fifth is held out
        cohort.Put(2, new TaskSummary(new float[ChoiceModel.Hypotheses], 3));
        cohort.Put(2, new TaskSummary(new float[ChoiceModel.Hypotheses], 0)); // who took everything back says nothing

        var expectation = cohort.Expect(prior, CohortPart.Taught);

        double[] joint = [.. prior.LogWeights.ToArray().Select((w, h) => Math.Exp(w - (h < 2 ? 0 : 1)))];
        expectation.Users.ShouldBe(1);
        expectation.LogEvidence.ShouldBe(Math.Log(joint.Sum()), 1e-5);
        expectation.Counts.ShouldBe(joint.Select(p => p / joint.Sum()), 1e-6);
        cohort.Expect(prior, CohortPart.HeldOut).Counts.ShouldBe(expectation.Counts, 1e-12);
    }

    [Fact]
    public void Pack_IsInStepsBelowTheGreatest_AndRulesNothingOut()
    {
        var packed = new byte[5];
        Cohort.Pack([7, 6.95f, 6.88f, 6.87f, -1_000], packed);

        packed.ShouldBe(new byte[] { 0, 1, 2, 3, 255 });
        foreach (var not in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            Should.Throw<ArgumentException>(() => Cohort.Pack([0, not], new byte[2])).Message.ShouldContain("hypothesis 1 is");
        }

        Should.Throw<ArgumentException>(() => new Cohort(1).Put(1, new byte[3])).Message.ShouldContain("3 bytes");
    }
}
