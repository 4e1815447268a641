using MetaRouter.Core.Users;
using MetaRouter.RouterContract;
using Microsoft.Extensions.AI;
using static MetaRouter.Extensions.AI.Tests.RoutedApp;

namespace MetaRouter.Extensions.AI.Tests;

public class StreamingTests
{
    [Fact]
    public async Task Updates_PassAsTheyCome_EachWithTheReceipt()
    {
        await using var app = await StartAsync();
        var isSeen = new TaskCompletionSource();
        app.StrongServer.Script = app.WeakServer.Script = async (context, _) =>
        {
            await app.StrongServer.EventAsync(context, "first");
            await isSeen.Task.WaitAsync(TimeSpan.FromSeconds(10)); // never, if updates were gathered
            await app.StrongServer.EventAsync(context, " second", "stop");
            return true;
        };
        var updates = new List<ChatResponseUpdate>();

        await foreach (var update in app.Client.GetStreamingResponseAsync(Question, new ChatOptions().ForUser("ada")))
        {
            updates.Add(update);
            if (update.Text == "first")
            {
                isSeen.SetResult();
            }
        }

        string.Concat(updates.Select(u => u.Text)).ShouldBe("first second");
        updates.Select(u => u.GetReceipt()).Distinct().Single().ShouldNotBeNull();
        updates.ShouldAllBe(u => u.ModelId == updates[0].GetRoute()!.Model);
    }

    [Fact]
    public async Task Stream_AsOneResponse_HasTheReceiptThatFeedbackIsSentWith()
    {
        await using var app = await StartAsync();

        var response = await app.Client.GetStreamingResponseAsync(Question, new ChatOptions().ForUser("ada")).ToChatResponseAsync();

        response.Text.ShouldBe($"I am {(response.ModelId == Strong ? "strong" : "weak")}");
        response.GetRoute()!.Model.ShouldBe(response.ModelId);
        (await app.SayAsync("ada", response.GetReceipt(), FeedbackKind.Thumb, 1)).Counted.ShouldBeTrue();
        var noted = (await app.StopAsync())[0];
        noted.GetProperty("cost_source").GetString().ShouldBe("usage");
        noted.GetProperty("prompt_tokens").GetInt64().ShouldBe(1000);
    }

    [Fact]
    public async Task Stream_ThatItsReaderLeaves_IsEndedAtTheServerAndNoted()
    {
        await using var app = await StartAsync();

        await foreach (var update in app.Client.GetStreamingResponseAsync("endless", new ChatOptions().ForUser("ada")))
        {
            if (update.Text.Length > 0)
            {
                break;
            }
        }

        await Eventually.TrueAsync(() => app.StrongServer.Aborted + app.WeakServer.Aborted == 1, TimeSpan.FromSeconds(10));
        (await app.StopAsync()).Single().GetProperty("cost_source").GetString().ShouldBe("counted");
    }

    [Fact]
    public async Task Stream_ThatBreaksOff_IsTheCallersToKnowAndNoOthersToFinish()
    {
        await using var app = await StartAsync();
        var seen = "";

        await Should.ThrowAsync<Exception>(async () =>
        {
            await foreach (var update in app.Client.GetStreamingResponseAsync("break"))
            {
                seen += update.Text;
            }
        });

        seen.ShouldBe("half");
        (app.StrongServer.Calls + app.WeakServer.Calls).ShouldBe(1);
        (await app.StopAsync()).Single().GetProperty("fail_over").GetBoolean().ShouldBeFalse();
    }
}
