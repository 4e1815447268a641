using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Routing;

public sealed class ConversationTests
{
    [Fact]
    public void Of_ManyMessages_IsAQuarterOfTheBytesAndFourTokensForEach()
    {
        var three = Conversation.Of("and now?", messages: 3, bytes: 400, ModelCapabilities.None);

        (three.PromptTokens, three.Tokens).ShouldBe((112, 112));
        three.And(0).ShouldBe(three);
        three.And(40, 85).PromptTokens.ShouldBe(207);
        Conversation.Of("x", 2, long.MaxValue / 2, ModelCapabilities.None).And(long.MaxValue / 2, 1).PromptTokens.ShouldBe(int.MaxValue);
    }

    [Fact]
    public void Of_OneMessage_IsLeftToTheEncoderUntilSomethingComesBesideIt()
    {
        var one = Conversation.Of("12345678", messages: 1, bytes: 8, ModelCapabilities.None);

        (one.PromptTokens, one.Tokens).ShouldBe((null, 6));
        one.And(0, tokens: 765).PromptTokens.ShouldBe(771);
        one.And(8).PromptTokens.ShouldBe(8);
    }

    [Fact]
    public void TokensOf_ImagesAndSounds() =>
        (Conversation.TokensOfImage(isInLowDetail: true), Conversation.TokensOfImage(isInLowDetail: false), Conversation.TokensOfAudio(64_000)).ShouldBe((85, 765, 64));
}
