using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Preferences;

public class ChoiceContextTests
{
    [Fact]
    public void StrengthOf_EveryKind_IsFromSilentToAComparison()
    {
        foreach (var kind in Enum.GetValues<FeedbackKind>())
        {
            ChoiceContext.StrengthOf(kind).ShouldBeInRange(0, ChoiceContext.StrengthOf(FeedbackKind.Comparison));
        }

        ChoiceContext.StrengthOf(FeedbackKind.Rating).ShouldBe(0);
        ChoiceContext.StrengthOf(FeedbackKind.TaskSuccess).ShouldBe(0);
        ChoiceContext.StrengthOf((FeedbackKind)200).ShouldBe(0);
    }
}
