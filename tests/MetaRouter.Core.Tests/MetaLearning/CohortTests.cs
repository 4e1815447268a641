using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Tests.MetaLearning;

public class CohortTests
{
    [Fact]
    public void Put_MoreThanAreKept_TellsWhoMadeRoom()
    {
        var (gone, evidence) = (new List<ulong>(), new byte[ChoiceModel.Hypotheses]);
        var cohort = new Cohort(4) { MadeRoom = gone.Add };
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
}
