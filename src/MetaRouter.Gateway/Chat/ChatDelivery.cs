using System.Diagnostics;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>Sends one model's answer in the format of its client, after recording what it cost, who answered the conversation, and the receipt by which feedback comes back.</summary>
internal sealed class ChatDelivery(
    RoutingPolicy policy,
    ChatLedger ledger,
    ChatSessions sessions,
    ImplicitSignals signals,
    ChatRelay relay,
    Budgets budgets,
    ModelAccess access,
    AnswerLengths lengths,
    GatewayMetrics metrics)
{
    public async Task HandOnAsync(ChatCall call, UpstreamAnswer answer, IAnswerForm form)
    {
        var isFailOver = call.IsFailOver(answer.Model);
        var receipt = ReceiptFor(call, answer.Model);
        ledger.TookOver(answer, isFailOver);
        ChatHeaders.Retell(call.Context.Response.Headers, answer, receipt, isFailOver);
        if (answer.Status != StatusCodes.Status200OK)
        {
            ledger.Answered(call, answer, isFailOver, null);
            await call.SettleBrieflyAsync(budgets).ConfigureAwait(false);
            await form.WriteAsync(call, answer, receipt, null).ConfigureAwait(false);
            return;
        }

        if (call.Unrouted is null)
        {
            access.Count(call.Tenant, answer.Model);
        }

        await signals.RememberAsync(call, answer.Model, receipt).ConfigureAwait(false);
        if (answer.Events is null)
        {
            var spent = call.Spent(answer);
            call.Spend(spent.Usd);
            ChatHeaders.Price(call.Context, spent);
            ledger.Answered(call, answer, isFailOver, spent);
            lengths.Measure(call, answer.Model, spent, answer.Part.IsCut);
            await sessions.RememberAsync(call, answer.Model, spent.Tokens, answer.Part.CallsTools).ConfigureAwait(false);
            await call.SettleBrieflyAsync(budgets).ConfigureAwait(false);
            await form.WriteAsync(call, answer, receipt, spent).ConfigureAwait(false);
            return;
        }

        await StreamAsync(call, answer, form, receipt, isFailOver).ConfigureAwait(false);
    }

    /// <summary>For feedback on this answer, also where the decision is only noted: what a user thinks of the answer says as much of the user.</summary>
    /// <returns>Null: nothing was decided, or nothing predicted of the model, as where the models were replaced meanwhile.</returns>
    private string? ReceiptFor(ChatCall call, ModelId served) => call.Decision is { } decision && (call.Unrouted is null || decision.Candidates.Any(c => c.Model == served))
        ? policy.ReceiptFor(decision, served, alone: decision.OfferedIndex is not null) // only this one of the two answers to be compared came
        : null;

    private async Task StreamAsync(ChatCall call, UpstreamAnswer answer, IAnswerForm form, string? receipt, bool isFailOver)
    {
        metrics.FirstToken(call.Requested, answer.Model, Stopwatch.GetElapsedTime(call.Started).TotalSeconds);
        var (stream, spent, ending) = (new RelayedStream(), default(Spending), default(Task));
        try
        {
            await relay.RunAsync(call.Context, answer, form.Begin(call, answer, receipt), BeforeItsEndIsToldAsync, stream).ConfigureAwait(false);
        }
        finally
        {
            await (ending ??= EndAsync()).ConfigureAwait(false);
        }

        async Task<Spending> BeforeItsEndIsToldAsync()
        {
            ending ??= EndAsync();
            await Budgets.WaitBrieflyAsync(ending).ConfigureAwait(false);
            return spent;
        }

        // Also for a stream whose reader left: what was produced until then is paid for.
        async Task EndAsync()
        {
            answer.Call?.End(stream.Usage, stream.IsBroken ? Upstreams.BrokeOff : stream.IsWhole ? null : UpstreamCall.Left);
            spent = call.Spent(answer.Model, stream.Usage, stream.UncountedBytes);
            call.Spend(spent.Usd);
            ledger.Answered(call, answer, isFailOver, spent);
            lengths.Measure(call, answer.Model, spent, stream.IsCut || !stream.IsWhole);
            await call.SettleAsync(budgets).ConfigureAwait(false);
            await sessions.RememberAsync(call, answer.Model, spent.Tokens, stream.CallsTools).ConfigureAwait(false);
            await signals.EndedAsync(call, stream, receipt).ConfigureAwait(false);
        }
    }
}
