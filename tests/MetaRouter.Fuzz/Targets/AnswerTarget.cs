using System.Text;
using MetaRouter.Fuzz.Answers;
using MetaRouter.Gateway;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// What models' servers answer, damaged, through a gateway's whole pipeline in one process: whole answers, streams cut anywhere, refusals and vectors, in the forms of
/// each of its clients. A client gets a whole answer in its form, or an error that says so, or a stream that is told to be cut short; never a 500, and never half an
/// answer for a whole one. One input in sixteen is not damaged: each form says of it what the server said.
/// </summary>
internal sealed class AnswerTarget : FuzzTarget
{
    private const int Head = 6;
    private const byte Streams = 4, Named = 8, Breaks = 16, Compares = 32, Intact = 64;

    /// <summary>The longest event taken; longer ones are drawn too.</summary>
    private const int LongestAnswer = 30_000;

    private static readonly int[] Statuses = [200, 200, 200, 200, 200, 200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 413, 422, 429, 500, 503];
    private static readonly string?[] ContentTypes = ["text/event-stream", "text/event-stream; charset=utf-8", "text/event-stream", "application/json", null];

    private readonly WebApplication _app;
    private readonly MemoryServer _server;
    private readonly MemoryUpstream _upstream;
    private readonly ErrorCount _errors;
    private readonly SteppingTime _time;
    private readonly AnswerMutator _mutator = new(1 << 16);

    private AnswerTarget(WebApplication app, MemoryServer server, MemoryUpstream upstream, ErrorCount errors, SteppingTime time)
        : base("answers", 1 << 16) => (_app, _server, _upstream, _errors, _time) = (app, server, upstream, errors, time);

    public override string Reads => "what models' servers answer: whole, streams, refusals, vectors; to clients of each form";

    /// <summary>Some of it may go on on the pool's threads.</summary>
    public override bool IsReadElsewhere => true;

    public override long MemoryLimit(int length) => (4 << 20) + (256L * length);

    public static async Task<FuzzTarget> StartAsync()
    {
        var (server, upstream, errors, time) = (new MemoryServer(), new MemoryUpstream(), new ErrorCount(), new SteppingTime());
        var app = await GatewayApp.BuildAsync(
            [.. SettingsOf("http://upstream.invalid/v1"), "--Gateway:UpstreamBodyBytes", $"{LongestAnswer}"],
            services =>
            {
                services.AddLogging(l => l.ClearProviders().AddProvider(errors));
                services.AddSingleton<IServer>(server);
                services.AddSingleton<TimeProvider>(time);
                services.AddSingleton(new HttpMessageInvoker(upstream));
            });
        await app.StartAsync();
        return new AnswerTarget(app, server, upstream, errors, time);
    }

    /// <summary>Two models and an embedder, all at one upstream.</summary>
    public static string[] SettingsOf(string url) =>
    [
        "--MetaRouter:Store", "memory", "--Gateway:ConsoleDecisions", "1000",
        "--MetaRouter:Models:0:Id", "large", "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
        "--MetaRouter:Models:1:Id", "small", "--MetaRouter:Models:1:InputPrice", "1", "--MetaRouter:Models:1:OutputPrice", "2",
        "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", url, "--Upstreams:1:Model", "small", "--Upstreams:1:BaseUrl", url, "--Upstreams:1:AskUsage", "true",
        "--Upstreams:2:Model", "embedder", "--Upstreams:2:BaseUrl", url, "--Upstreams:2:Embeddings", "true",
    ];

    public override void Draw(Chance chance)
    {
        var form = chance.OneIn(16) ? ClientForm.Embeddings : (ClientForm)chance.Next(3);
        var streams = form != ClientForm.Embeddings && !chance.OneIn(3);
        var isIntact = chance.OneIn(16);
        var status = isIntact ? 0 : chance.Next(Statuses.Length);
        var kind = Statuses[status] >= 300 && !chance.OneIn(16) ? AnswerKind.Refusal
            : form == ClientForm.Embeddings ? AnswerKind.Vectors
            : streams ^ (!isIntact && chance.OneIn(64)) ? AnswerKind.Stream
            : AnswerKind.Whole;
        var which = _mutator.Draw(chance, kind, isIntact, Input);
        var flags = (int)form | (streams ? Streams : 0) | (chance.OneIn(2) ? Named : 0) | (!(isIntact && !streams) && chance.OneIn(4) ? Breaks : 0) | (chance.OneIn(8) ? Compares : 0) | (isIntact ? Intact : 0);
        Input.Replace(0, 0, [(byte)flags, (byte)status, (byte)(isIntact || chance.OneIn(8) ? 0 : chance.Next(ContentTypes.Length)), (byte)chance.Next(256), (byte)chance.Next(256), (byte)which]);
    }

    public override bool Run()
    {
        var head = Input.Bytes[..Head];
        var (flags, errors, form) = (head[0], _errors.Count, (ClientForm)(head[0] & 3));
        var streams = (flags & Streams) != 0;
        _time.Step();
        (_upstream.Status, _upstream.Cuts, _upstream.Breaks, _upstream.Body) = (Statuses[head[1] % Statuses.Length], head[3] | (head[4] << 8), (flags & Breaks) != 0, Input.Memory[Head..]);
        _upstream.ContentType = streams ? ContentTypes[head[2] % ContentTypes.Length] : "application/json";
        var model = (flags & Named) == 0 ? "auto" : (flags & Compares) != 0 ? "small" : "large";
        var (path, body) = ClientForms.Asked(form, streams, model);
        using var answer = _server.PostAsync(path, body, (flags & (Compares | Named)) == Compares ? [("x-router-compare", "always")] : []).GetAwaiter().GetResult();

        Promise(_errors.Count == errors, $"Answered by {answer.StatusCode} and logged as an error: {_errors.Last}");
        Promise(answer.StatusCode is 200 or 400 or 403 or 404 or 413 or 422 or 429 or 502, $"Answered by {answer.StatusCode}: {Encoding.UTF8.GetString(answer.Bytes.Span)}");
        var heard = ClientForms.Read(form, streams, answer.StatusCode, answer.Bytes, answer.Headers["x-router-model"]);
        Promise(!answer.IsCut || heard.IsBroken, "The connection is cut before the client is told.");
        if (streams && answer.StatusCode == 200)
        {
            Promise(heard.IsWhole ^ heard.IsBroken || (form == ClientForm.Chat && answer.HasLeft), $"{heard}: half an answer passes for a whole one, or a whole one for half.");
            Promise(!heard.IsWhole || HasAnEnd(Input.Bytes[Head..]), "An answer without an end passes for a whole one.");
        }

        if ((flags & Intact) != 0 && form != ClientForm.Embeddings && (streams ? RealAnswers.Streams : RealAnswers.Wholes)[head[5]] is { Text: not null } said)
        {
            Promise(heard is { IsWhole: true, IsBroken: false }, $"An answer that is whole is not told to be: {answer.StatusCode} {Encoding.UTF8.GetString(answer.Bytes.Span)}");
            Promise(heard.Text == said.Text, $"'{said.Text}' was said, and '{heard.Text}' heard.");
            Promise((form == ClientForm.Messages && said.Calls.Contains("any text", StringComparison.Ordinal)) || heard.Calls == said.Calls, $"'{said.Calls}' was called, and '{heard.Calls}' heard.");
        }

        return heard.IsWhole;
    }

    public override async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>Names may be spelt by escapes.</summary>
    private static bool HasAnEnd(ReadOnlySpan<byte> stream) => stream.IndexOf("[DONE]"u8) >= 0 || stream.IndexOf("finish_reason"u8) >= 0 || stream.IndexOf("\\u"u8) >= 0;
}
