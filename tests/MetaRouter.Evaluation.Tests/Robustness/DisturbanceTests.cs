using MetaRouter.Evaluation.Robustness;

namespace MetaRouter.Evaluation.Tests.Robustness;

public sealed class DisturbanceTests
{
    [Fact]
    public void Typos_OneLetterInTwenty_ChangesAndNothingElse()
    {
        // Digits between the letters, so that each place can be told again.
        var text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{(char)('a' + (i % 26))}7"));

        var typed = Disturbance.Typos(text, new Random(1));

        typed.Count(c => c == '7').ShouldBe(20_000);
        var wrong = typed.Split('7').Zip(text.Split('7')).Count(p => p.First != p.Second);
        (wrong / 20_000.0).ShouldBeInRange(.05, .075); // a swap with a digit changes two places, a hit on the same letter none
        Disturbance.Typos(text, new Random(1)).ShouldBe(typed);
        Disturbance.Typos("12 + 30 = ?", new Random(1)).ShouldBe("12 + 30 = ?");
    }

    [Fact]
    public void Padding_IsWholeSentencesOfAboutFiveHundredWords()
    {
        var padding = Disturbance.Padding(new Random(3));

        padding.Split(' ').Length.ShouldBeInRange(Disturbance.PaddingWords, Disturbance.PaddingWords + 20);
        padding.ShouldEndWith(".");
    }
}
