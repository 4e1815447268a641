using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace MetaRouter.Gateway.Tests;

/// <summary>What the headers say, in the body where it is asked for: clients' libraries show neither headers nor the comments of a stream.</summary>
public sealed class DetailsTests : ThreeUpstreams
{
    private const string Details = "x-router-details";

    private protected override string[] More => ["--Upstreams:0:Messages", "true", "--Upstreams:0:ApiKey", "sk-1", "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak];

    [NodeFact]
    public async Task NpmClients_ReadThemWithoutAHeaderOrAComment()
    {
        var seen = await NodeFactAttribute.RunAsync("details.mjs", _gateway.Client.BaseAddress!.ToString().TrimEnd('/'));

        foreach (var name in (string[])["whole", "counted", "plain", "response", "responseStream", "native", "nativeStream", "translated", "translatedStream"])
        {
            var (told, router) = (seen[name]!, seen[name]!["router"]);
            router.ShouldNotBeNull(name);
            ((string)told["text"]!).ShouldBe("I am " + (string)router["model"]!, name);
            ((string)router["receipt"]!, ((string)router["receipt"]!).Length).ShouldBe(((string)told["id"]!, 224), name);
            ((string)router["cost_source"]!).ShouldBe(name == "plain" ? "counted" : "usage", name); // a stream is counted by its upstream where that is asked for
            ((double)router["cost_usd"]!).ShouldBeGreaterThan(0, name);
            ((string)router["reason"]!).ShouldBe(name.StartsWith("native", StringComparison.Ordinal) || name.StartsWith("translated", StringComparison.Ordinal) ? "best_for_dial" : "best_for_user", name);
        }

        ((int)seen["counted"]!["told"]!, (int)seen["counted"]!["usage"]!["completion_tokens"]!).ShouldBe((1, 100));
        ((int)seen["plain"]!["told"]!).ShouldBe(1);
        ((string)seen["helper"]!).ShouldBe("""{"city":"Oslo"}""");
        ((string)seen["nativeStream"]!["last"]!, (string)seen["translatedStream"]!["last"]!).ShouldBe(("message_stop", "message_stop"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stream_TellsInItsLastChunkWhatTheCommentSays(bool isCounted)
    {
        var body = Body("auto", stream: true)[..^1] + (isCounted ? ",\"stream_options\":{\"include_usage\":true}}" : "}");
        var (plain, _) = await StreamAsync(body);
        _gateway.Client.DefaultRequestHeaders.Add(Details, "true");

        var (chunks, cost) = await StreamAsync(body);

        chunks.Count.ShouldBe(plain.Count);
        chunks.SkipLast(1).ShouldAllBe(c => c["router"] == null);
        plain.ShouldAllBe(c => c["router"] == null);
        var router = chunks[^1]["router"]!;
        ((double)router["cost_usd"]!, (string)router["cost_source"]!).ShouldBe((double.Parse(cost.Split(' ')[0], CultureInfo.InvariantCulture), cost.Split(' ')[1]));
        ((string)router["receipt"]!).ShouldBe((string)chunks[^1]["id"]!);
        chunks[^1].AsObject().ContainsKey("usage").ShouldBe(isCounted);
    }

    /// <summary>Text never waits for what comes after it: only a chunk that may be the last does.</summary>
    [Fact]
    public async Task Stream_OfAnUpstreamThatStopsWithoutSayingSo_EndsInAChunkOfItsOwn()
    {
        _gateway.Client.DefaultRequestHeaders.Add(Details, "true");
        _of[Weak].Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: {\"id\":\"a\",\"model\":\"b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a } b\"}}]}\n\ndata: [DONE]\n\n");
            return true;
        };

        var (chunks, _) = await StreamAsync(Body(Weak, stream: true));

        chunks.Select(c => (string)c["object"]! ?? "").ShouldBe(["", "chat.completion.chunk"]);
        chunks[1]["choices"]!.AsArray().ShouldBeEmpty();
        ((string)chunks[1]["router"]!["model"]!, (string)chunks[1]["router"]!["reason"]!, chunks[1]["router"]!["receipt"]).ShouldBe((Weak, "requested", null));
    }

    /// <summary>What was held for the end is not lost where there is none.</summary>
    [Fact]
    public async Task Stream_ThatBreaksOffAfterAChoiceEnded_HasAllThatCame()
    {
        _of[Weak].Script = async (context, _) =>
        {
            await _of[Weak].EventAsync(context, "zero", "stop");
            await context.Response.WriteAsync("data: {\"id\":\"a\",\"model\":\"b\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"one\"}}]}\n\ndata: {\"id\":\"a\",\"model\":\"b\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"error\":{\"message\":\"no\"}}\n\n");
            return true;
        };
        _gateway.Client.DefaultRequestHeaders.Add(Details, "true");

        var text = await _gateway.TextAsync(Chat, Body(Weak, stream: true));

        var data = text.Split('\n').Where(l => l.StartsWith("data: ", StringComparison.Ordinal)).Select(l => JsonNode.Parse(l[6..])!).ToArray();
        data.Select(d => d["error"] is null ? (int)d["choices"]![0]!["index"]! : -1).ShouldBe([0, 1, 0, -1]);
        data.ShouldAllBe(d => d["router"] == null);
    }

    [Fact]
    public async Task Whole_TellsThemOnlyWhereTheyAreAskedFor()
    {
        var plain = await _gateway.PostAsync(Chat, Body("auto"));
        var named = await _gateway.PostAsync(Chat, Body(Weak), (Details, "true"));
        var refused = await _gateway.PostAsync(Chat, Body(Weak), (Details, "yes"));

        plain.Body.ContainsKey("router").ShouldBeFalse();
        ((string)named.Body["router"]!["model"]!, (string)named.Body["router"]!["reason"]!, named.Body["router"]!["receipt"]).ShouldBe((Weak, "requested", null));
        ((double)named.Body["router"]!["cost_usd"]!).ShouldBe(double.Parse(named.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture));
        refused.ShouldFail(400, "invalid_value", Details, "yes");
    }
}
