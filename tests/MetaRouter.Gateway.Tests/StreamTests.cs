using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OpenAI.Chat;

namespace MetaRouter.Gateway.Tests;

/// <summary>What a client sees of an answer, whole or streamed, and what it cost.</summary>
public sealed class StreamTests : ThreeUpstreams
{
    [Fact]
    public async Task Stream_OpenAiClient_GetsTheWordsAsTheyComeWithReceiptAndServingModel()
    {
        var second = new TaskCompletionSource();
        foreach (var upstream in _of.Values)
        {
            upstream.Script = async (context, _) =>
            {
                await upstream.EventAsync(context, "one ");
                await second.Task;
                await upstream.EventAsync(context, "two", "stop");
                await context.Response.WriteAsync("data: [DONE]\n\n");
                return true;
            };
        }

        var (text, ids, models) = ("", new HashSet<string>(), new HashSet<string>());
        await foreach (var update in Client().CompleteChatStreamingAsync([new UserChatMessage("hello")], new ChatCompletionOptions { EndUserId = "ann" }))
        {
            text += string.Concat(update.ContentUpdate.Select(c => c.Text));
            ids.Add(update.CompletionId);
            models.Add(update.Model);
            second.TrySetResult(); // the first word is here while the upstream still holds the second
        }

        text.ShouldBe("one two");
        _of.Keys.ShouldContain(models.Single());
        var feedback = await _gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = ids.Single(), ["user"] = "ann", ["kind"] = "accept" }.ToJsonString());
        feedback.Status.ShouldBe(200, feedback.Text);
    }

    [Fact]
    public async Task Stream_EveryByteButIdAndModel_IsTheUpstreams()
    {
        const string sent = ": ping\n\ndata: {\"id\":\"a\",\"x\":[1e2, {\"model\":\"in\\u00e9r\"}],\"model\" : \"b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\\u00e9 😀\"}}]}\r\n\r\nevent: note\ndata: not json\n\ndata:{\"model\":\"b\",\"id\":\"a\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
        _of[Weak].Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            foreach (var part in Encoding.UTF8.GetBytes(sent + "data: [DONE]\n\n").Chunk(7))
            {
                await context.Response.Body.WriteAsync(part); // cut anywhere
                await context.Response.Body.FlushAsync();
            }

            return true;
        };

        using var response = await _gateway.Client.PostAsync(Chat, Json($$"""{"model":"{{Weak}}","stream":true,"messages":[{"role":"user","content":"hello"}]}"""));
        var text = await response.Content.ReadAsStringAsync();

        var cost = text[text.IndexOf(": x-router-cost-usd", StringComparison.Ordinal)..text.IndexOf("data: [DONE]", StringComparison.Ordinal)];
        cost.ShouldEndWith(" counted\n\n");
        text.Replace(cost, "", StringComparison.Ordinal).ShouldBe(sent[sent.IndexOf("data", StringComparison.Ordinal)..].Replace("\"model\" : \"b\"", $"\"model\" : \"{Weak}\"", StringComparison.Ordinal).Replace("{\"model\":\"b\"", $"{{\"model\":\"{Weak}\"", StringComparison.Ordinal) + "data: [DONE]\n\n");
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
    }

    /// <summary>The standard joins them by newlines, which JSON takes between its words and not within a text.</summary>
    [Fact]
    public async Task Stream_EventsOfSeveralDataLines_AreReadWholeAndHandedOnAsTheyCame()
    {
        const string sent = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}],\nid: 7\ndata: \"model\":\"b\",\r\n: a comment\r\ndata\r\ndata:\"id\":\"a\"}\r\n\r\n"
            + "data: {\"model\":\"b\",\"choices\":[{\"delta\":{\"content\":\"cut\ndata: in two\"}}]}\n\n"
            + "data: {\"id\":\"a\",\"model\":null,\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":\ndata: {\"prompt_tokens\":1000,\"completion_tokens\":100}}\n\n";
        _of[Weak].Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync(sent + "data: [DONE]\n\n");
            return true;
        };

        using var response = await _gateway.Client.PostAsync(Chat, Json($$"""{"model":"{{Weak}}","stream":true,"messages":[{"role":"user","content":"hello"}]}"""));
        var text = await response.Content.ReadAsStringAsync();

        text.ShouldContain(": x-router-cost-usd 0.00055 usage\n\n");
        text.ShouldStartWith(sent.Replace("data: \"model\":\"b\"", $"data: \"model\":\"{Weak}\"", StringComparison.Ordinal).Replace("\"model\":null", $"\"model\":\"{Weak}\"", StringComparison.Ordinal));
        text.ShouldEndWith("data: [DONE]\n\n");
    }

    /// <summary>Without the id, the answer could take no feedback.</summary>
    [Fact]
    public async Task Stream_PartsWithoutIdOrModel_GetTheReceiptAndTheServingModel()
    {
        const string sent = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\ndata: {\ndata: \"model\":\"b\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
            + "data: {\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100},\"id\":\"\",\"choices\":[]}\n\ndata: {\"type\":\"ping\"}\n\n";
        foreach (var upstream in _of.Values)
        {
            upstream.Script = async (context, _) =>
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync(sent + "data: [DONE]\n\n");
                return true;
            };
        }

        using var response = await _gateway.Client.PostAsync(Chat, Json("""{"model":"auto","user":"ann","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]}"""));
        var text = await response.Content.ReadAsStringAsync();

        var (receipt, model) = (response.Headers.GetValues("x-router-decision").Single(), response.Headers.GetValues("x-router-model").Single());
        text.ShouldStartWith($"data: {{\"id\":\"{receipt}\",\"model\":\"{model}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"one\"}}}}]}}\n\n"
            + $"data: {{\"id\":\"{receipt}\",\ndata: \"model\":\"{model}\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n"
            + $"data: {{\"model\":\"{model}\",\"usage\":{{\"prompt_tokens\":1000,\"completion_tokens\":100}},\"id\":\"{receipt}\",\"choices\":[]}}\n\ndata: {{\"type\":\"ping\"}}\n\n");
    }

    [Fact]
    public async Task Stream_WithUsage_CostsWhatTheUpstreamCountedCachedTokensAtTheirPrice()
    {
        var (chunks, comment) = await StreamAsync($$"""{"model":"{{Strong}}","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]}""");

        ((int)chunks[^1]["usage"]!["prompt_tokens"]!).ShouldBe(1000);
        var words = comment.Split(' ');
        double.Parse(words[0], CultureInfo.InvariantCulture).ShouldBe(((400 * 5) + (600 * 2.5) + (100 * 15)) * 1e-6, 1e-9);
        words[1].ShouldBe("usage");
    }

    [Fact]
    public async Task Whole_Costs_WhatTheUpstreamCountedOrSaysThatItWasCountedHere()
    {
        var counted = await _gateway.PostAsync(Chat, Body(Strong));
        Usd(counted).ShouldBe(((400 * 5) + (600 * 2.5) + (100 * 15)) * 1e-6, 1e-9);
        counted.Headers["x-router-cost-source"].ShouldBe("usage");

        _of[Strong].Script = async (context, _) =>
        {
            await context.Response.WriteAsync($$"""{"id":"x","model":"y","choices":[{"message":{"content":"{{new string('a', 400)}}"} }]}""");
            return true;
        };
        var guessed = await _gateway.PostAsync(Chat, Body(Strong, new string('b', 4000)));
        guessed.Headers["x-router-cost-source"].ShouldBe("counted");
        Usd(guessed).ShouldBe(((1000 * 5) + (100 * 15)) * 1e-6, 0.0005);
    }

    [Fact]
    public async Task Stream_UsageAskedForByTheGateway_IsKeptFromTheClient()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url, "--Upstreams:0:AskUsage", "true");

        var (chunks, comment) = await StreamAsync($$"""{"model":"{{Strong}}","stream":true,"messages":[{"role":"user","content":"hello"}]}""", gateway);

        ((bool)upstream.Bodies.Single()["stream_options"]!["include_usage"]!).ShouldBeTrue();
        chunks.ShouldAllBe(c => c["usage"] == null);
        comment.ShouldEndWith("usage");
    }

    [Theory]
    [InlineData("break", "broke off")]
    [InlineData("end", "ended")]
    [InlineData("silent", "said nothing for 1 s")]
    [InlineData("error", "overloaded")]
    public async Task Stream_FailsInTheMiddle_EndsInAnErrorEventAndNoSecondAnswer(string how, string named)
    {
        foreach (var upstream in _of.Values)
        {
            upstream.Script = async (context, _) =>
            {
                await upstream.EventAsync(context, "half an");
                switch (how)
                {
                    case "break":
                        await Task.Delay(200); // else the first event may be lost with the connection
                        context.Abort();
                        break;
                    case "silent":
                        await Task.Delay(10_000, context.RequestAborted);
                        break;
                    case "error":
                        await context.Response.WriteAsync("data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n");
                        break;
                }

                return true;
            };
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = Json("""{"model":"auto","user":"ann","stream":true,"messages":[{"role":"user","content":"hello"}]}""") };
        using var response = await _gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var events = (await ReadToCutAsync(response)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        events.Length.ShouldBe(2);
        events[0].ShouldContain("half an");
        ((string)JsonNode.Parse(events[1]["data: ".Length..])!["error"]!["message"]!).ShouldContain(named);
        _of.Values.Sum(u => u.Calls).ShouldBe(1);
    }

    [Fact]
    public async Task Stream_FailsInTheMiddle_OpenAiClientThrows()
    {
        var text = "";
        await Should.ThrowAsync<IOException>(async () =>
        {
            await foreach (var update in Client().CompleteChatStreamingAsync(new UserChatMessage("break")))
            {
                text += string.Concat(update.ContentUpdate.Select(c => c.Text));
            }
        });
        text.ShouldBe("half");
    }

    [Fact]
    public async Task Stream_ReaderLeaves_UpstreamIsCancelled()
    {
        await foreach (var update in Client().CompleteChatStreamingAsync(new UserChatMessage("endless")))
        {
            update.ContentUpdate.Count.ShouldBe(1);
            break;
        }

        await Eventually.TrueAsync(() => _of.Values.Sum(u => u.Aborted) == 1, TimeSpan.FromSeconds(15));
        _gateway.Log.Where(l => l.Level >= LogLevel.Warning).ShouldBeEmpty();
    }

    [NodeFact]
    public async Task NpmClient_SeesWhatOpenAiWouldShowIt()
    {
        var seen = await NodeFactAttribute.RunAsync("client.mjs", new Uri(_gateway.Client.BaseAddress!, "/v1").ToString());

        seen["models"]!.AsArray().Select(m => (string)m!).ShouldContain("auto:cheap");
        ((string)seen["model"]!["id"]!, (string)seen["model"]!["object"]!).ShouldBe(("auto:cheap", "model"));
        ((string)seen["noModel"]!["name"]!, (string)seen["noModel"]!["code"]!).ShouldBe(("NotFoundError", "model_not_found"));
        var (whole, stream) = (seen["whole"]!, seen["stream"]!);
        ((string)whole["text"]!).ShouldBe("I am " + (string)whole["model"]!);
        ((string)whole["id"]!).Length.ShouldBeGreaterThan(100);
        ((int)stream["chunks"]!).ShouldBe(4);
        ((string)stream["ids"]!.AsArray().Single()!).Length.ShouldBeGreaterThan(100);
        ((string)stream["text"]!).ShouldBe("I am " + (string)stream["models"]!.AsArray().Single()!);
        ((int)stream["usage"]!["completion_tokens"]!).ShouldBe(100);
        ((string)seen["tool"]!["arguments"]!).ShouldBe("""{"city":"Oslo"}""");
        seen["embedding"]!["vectors"]!.ToJsonString().ShouldBe("[[0.25,-1],[0.5,1]]");
        ((string)seen["notFound"]!["name"]!).ShouldBe("NotFoundError");
        ((string)seen["notFound"]!["code"]!).ShouldBe("model_not_found");
        ((string)seen["badRequest"]!["name"]!).ShouldBe("BadRequestError");
        ((string)seen["brokeOff"]!["message"]!).ShouldContain("broke off");
        ((string)seen["left"]!).ShouldBe("0 ");
        await Eventually.TrueAsync(() => _of.Values.Sum(u => u.Aborted) >= 2, TimeSpan.FromSeconds(15)); // the one that broke off, and the one that was left
    }

    [Fact]
    public async Task Stream_LinesEndedByCarriageReturns_IsAnsweredAsAnyOther()
    {
        _of[Weak].Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: {\"id\":\"a\",\"model\":\"b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\r\rdata: {\"id\":\"a\",\"model\":\"b\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}}\r\rdata: [DONE]\r\r");
            return true;
        };

        var (chunks, cost) = await StreamAsync($$"""{"model":"{{Weak}}","stream":true,"messages":[{"role":"user","content":"hello"}]}""");

        chunks.Select(c => (string)c["model"]!).ShouldBe([Weak, Weak]);
        cost.ShouldBe("0.00055 usage");
    }

    /// <summary>The text of a stream whose connection is cut.</summary>
    private static async Task<string> ReadToCutAsync(HttpResponseMessage response)
    {
        using var text = new MemoryStream();
        await Should.ThrowAsync<IOException>(async () => await (await response.Content.ReadAsStreamAsync()).CopyToAsync(text));
        return Encoding.UTF8.GetString(text.ToArray());
    }

    private static double Usd(Answer answer) => double.Parse(answer.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture);
}
