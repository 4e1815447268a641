using MetaRouter.Evaluation.Grading;

namespace MetaRouter.Evaluation.Tests.Grading;

public sealed class AnswerCheckTests
{
    [Theory]
    [InlineData("56", "7 times 8 is **56**.", true)] // by its last number
    [InlineData("56", "56 is 7 times 8", false)]
    [InlineData("56", "It is 156.", false)]
    [InlineData("1,250", "That makes $1250.00", true)]
    [InlineData("1250", "That makes 1,250 dollars.", true)]
    [InlineData("-3", "x = −3", true)]
    [InlineData("3", "5-3", true)]
    [InlineData(".5", "One half, 0.5", true)]
    [InlineData("50 %", "Half of them: 50%.", true)]
    [InlineData("56", "I do not know.", false)]
    [InlineData("B", "**(B)**", true)] // by the whole answer
    [InlineData("A", "A ball falls. (C)", false)]
    [InlineData("Paris", "It is Paris, of course.", true)] // by being in it
    [InlineData("paris.", "PARIS", true)]
    [InlineData("car", "A cart it is.", false)]
    [InlineData("car", "A cart, or a car.", true)]
    [InlineData("New  York", "in new\nyork", true)]
    [InlineData("北京", "答案是北京。", true)]
    [InlineData("1/2", "It is 1/2.", true)]
    public void Auto_ComparesByWhatTheRightAnswerIs(string reference, string answer, bool passes) =>
        AnswerCheck.Passes(AnswerCheck.Auto, answer, [reference]).ShouldBe(passes);

    [Theory]
    [InlineData(AnswerCheck.Exact, "Paris", "Paris.", true)]
    [InlineData(AnswerCheck.Exact, "Paris", "It is Paris.", false)]
    [InlineData(AnswerCheck.Contains, "56", "56 is 7 times 8", true)]
    [InlineData(AnswerCheck.Contains, "56", "156", false)]
    [InlineData(AnswerCheck.Number, "42", "Forty-two: 42", true)]
    public void Named_ComparesAsItSays(string check, string reference, string answer, bool passes) => AnswerCheck.Passes(check, answer, [reference]).ShouldBe(passes);

    [Fact]
    public void AnyRightAnswer_WillDo()
    {
        AnswerCheck.Passes(AnswerCheck.Auto, "The Netherlands", ["Holland", "the Netherlands"]).ShouldBeTrue();
        AnswerCheck.Passes(AnswerCheck.Auto, "Belgium", ["Holland", "the Netherlands"]).ShouldBeFalse();
    }

    [Fact]
    public void Fits_ANumberIsNeededWhereNumbersAreCompared()
    {
        AnswerCheck.Fits(AnswerCheck.Number, "$1,000").ShouldBeTrue();
        AnswerCheck.Fits(AnswerCheck.Number, "a thousand").ShouldBeFalse();
        AnswerCheck.Fits(AnswerCheck.Auto, "a thousand").ShouldBeTrue();
    }
}
