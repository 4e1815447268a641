using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>Two models answer at once; the client gets the offered answer beside the chosen one and says with the receipt which was better.</summary>
internal sealed class ChatComparison(
    Upstreams upstreams,
    Budgets budgets,
    ModelAccess access,
    ChatDelivery delivery,
    ChatSessions sessions,
    ImplicitSignals signals,
    ChatLedger ledger,
    AnswerLengths lengths,
    GatewaySettings settings)
{
    private long _asked, _compared;

    /// <summary>Limits comparisons to their share of the requests that allow them. A key that may also read may have one at any time.</summary>
    /// <exception cref="ApiException">403: the key may not ask for comparisons beyond their share.</exception>
    public bool MayBeMade(HttpContext context, CompareChoice wanted)
    {
        if (wanted == CompareChoice.Always)
        {
            return Edge.CallerOf(context).Scopes.HasFlag(Scope.Read) ? true
                : throw new ApiException(
                    403, ErrorCodes.InvalidRequest, "insufficient_scope",
                    $"The header {ChatControls.CompareHeader} is 'always', which needs the scope read as well: two answers are paid for each time. Send allow, or use a key that has it.",
                    ChatControls.CompareHeader);
        }

        if (wanted == CompareChoice.No)
        {
            return false;
        }

        var asked = Interlocked.Increment(ref _asked);
        if (Interlocked.Read(ref _compared) + 1 > asked * settings.Gateway.CompareShare)
        {
            return false;
        }

        Interlocked.Increment(ref _compared);
        return true;
    }

    public async Task AnswerAsync(ChatCall call)
    {
        var decision = call.Decision!;
        var (chosen, offered) = (TryAnswerAsync(call, decision.Model), TryAnswerAsync(call, decision.Offered!.Value));
        try
        {
            await Task.WhenAll(chosen, offered).ConfigureAwait(false);
        }
        catch
        {
            await LeaveAsync(call, chosen, offered).ConfigureAwait(false);
            throw;
        }

        var (first, failure) = await chosen.ConfigureAwait(false);
        var (second, otherFailure) = await offered.ConfigureAwait(false);
        using (first)
        using (second)
        {
            if (first is null && second is null)
            {
                ledger.Failed(call, (failure ?? otherFailure!).Status);
                throw failure ?? otherFailure!;
            }

            if (first is not { Status: 200 } || second is not { Status: 200 })
            {
                // One answer is no comparison. The one that came is served by itself; the failure has been recorded.
                var only = first is { Status: 200 } ? first : second is { Status: 200 } ? second : (first ?? second)!;
                await delivery.HandOnAsync(call, only, OpenAiForm.Instance).ConfigureAwait(false);
                return;
            }

            var (a, b) = (call.Spent(first), call.Spent(second));
            var both = a with { Usd = a.Usd + b.Usd };
            call.Spend(both.Usd);
            call.Second = b;
            ledger.TookOver(first, false);
            ledger.TookOver(second, false);
            ChatHeaders.Retell(call.Context.Response.Headers, first, decision.Token, false);
            call.Context.Response.Headers["x-router-offered"] = second.Model.Value;
            var priced = both with { Source = a.Source == b.Source ? a.Source : "counted" };
            ChatHeaders.Price(call.Context, priced);
            ledger.Answered(call, first, false, both);
            lengths.Measure(call, first.Model, a, first.Part.IsCut);
            lengths.Measure(call, second.Model, b, second.Part.IsCut);
            access.Count(call.Tenant, first.Model);
            access.Count(call.Tenant, second.Model);

            // Clients go on with the first answer, as they would without the other; if it calls no tools, a tool's result can only belong to the other.
            var goesOn = !first.Part.CallsTools && second.Part.CallsTools ? (second.Model, b.Tokens) : (first.Model, a.Tokens);
            await sessions.RememberAsync(call, goesOn.Model, goesOn.Tokens, first.Part.CallsTools || second.Part.CallsTools).ConfigureAwait(false);
            await signals.ComparedAsync(call).ConfigureAwait(false);
            await call.SettleBrieflyAsync(budgets).ConfigureAwait(false);
            byte[] comparison =
            [
                .. "\"router_comparison\":{\"offered\":"u8,
                .. JsonSplice.Quoted(second.Model.Value),
                .. ",\"cost_usd\":"u8,
                .. Encoding.ASCII.GetBytes(ChatHeaders.Usd(b.Usd)),
                .. ",\"answer\":"u8,
                .. second.Named(null).Span,
                .. "}"u8,
            ];
            await Answers.WriteJsonAsync(call.Context, RouterDetails.Append(JsonSplice.Prepend(first.Named(decision.Token).Span, comparison), RouterDetails.Of(call, decision.Token, priced))).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The client left before both were here: an answer that was is paid for, though nobody is shown it, and the prompt of one that was not. Each is its own
    /// model's; where the chosen one failed before, the other was alone.
    /// </summary>
    private async Task LeaveAsync(ChatCall call, Task<(UpstreamAnswer? Answer, ApiException? Failure)> chosen, Task<(UpstreamAnswer? Answer, ApiException? Failure)> offered)
    {
        var (first, second) = (await SpentAsync(call, chosen).ConfigureAwait(false), await SpentAsync(call, offered).ConfigureAwait(false));
        if ((first ?? second) is not { } one)
        {
            return;
        }

        var model = first is null ? call.Decision!.Offered!.Value : call.Decision!.Model;
        call.Second = first is null ? null : second;
        var all = one with { Usd = one.Usd + (call.Second?.Usd ?? 0) };
        call.Spend(all.Usd);
        ledger.Left(call, model, call.IsFailOver(model), all);
    }

    /// <returns>Null: the model was sent nothing, or refused, or its cost was recorded when it failed.</returns>
    private static async Task<Spending?> SpentAsync(ChatCall call, Task<(UpstreamAnswer? Answer, ApiException? Failure)> asked)
    {
        try
        {
            return (await asked.ConfigureAwait(false)).Answer is { Status: StatusCodes.Status200OK } answer ? call.Spent(answer) : null;
        }
        catch (CallerLeftException e)
        {
            return call.SpentAsking(e.Model);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private async Task<(UpstreamAnswer? Answer, ApiException? Failure)> TryAnswerAsync(ChatCall call, ModelId model)
    {
        try
        {
            return (await upstreams.SendAsync(
                call.Body.Forwarded, AsyncEnumerable.Repeat(model, 1),
                asked => ledger.Unanswered(call, asked), call.Context.RequestAborted).ConfigureAwait(false), null);
        }
        catch (ApiException e)
        {
            return (null, e);
        }
    }
}
