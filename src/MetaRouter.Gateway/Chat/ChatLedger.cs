using System.Diagnostics;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Traffic;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace MetaRouter.Gateway.Chat;

/// <summary>Records what became of a call: in the meters, the decision log and the console's journal.</summary>
internal sealed class ChatLedger(DecisionLog log, WebConsole.ConsoleRecorder recorder, GatewaySettings settings, GatewayMetrics metrics)
{
    /// <param name="spent">Null: the upstream refused, and nothing was spent.</param>
    public void Answered(ChatCall call, UpstreamAnswer answer, bool isFailOver, Spending? spent)
    {
        if (spent is { } s)
        {
            Pay(call, answer.Model, s);
        }

        Enter(call, answer.Status == StatusCodes.Status200OK ? answer.Model : null, isFailOver, spent, answer.Status);
    }

    /// <summary>Counts an answer given by another model, or another endpoint, than the one asked first. A refusal is not an answer, whoever gives it.</summary>
    public void TookOver(UpstreamAnswer answer, bool isFailOver)
    {
        if (answer.Status == StatusCodes.Status200OK && (isFailOver || answer.Attempts > 1))
        {
            metrics.FailOvers.Add(1, new KeyValuePair<string, object?>(LabelNames.Model, answer.Model.Value));
        }
    }

    /// <summary>The client left before the answer was here.</summary>
    /// <param name="spent">What the model was sent costs this much.</param>
    public void Left(ChatCall call, ModelId model, bool isFailOver, Spending spent)
    {
        Pay(call, model, spent);
        Enter(call, model, isFailOver, spent, StatusCodes.Status499ClientClosedRequest);
    }

    /// <summary>A model was sent the prompt and gave no whole answer: its upstream bills that, whoever answers instead.</summary>
    public void Unanswered(ChatCall call, ModelId model)
    {
        var spent = call.SpentAsking(model);
        call.Spend(spent.Usd);
        metrics.CostUsd.Add(spent.Usd, new(LabelNames.Model, model.Value), new(LabelNames.Source, spent.Source));
    }

    /// <summary>Nobody answered.</summary>
    public void Failed(ChatCall call, int status) => Enter(call, null, false, null, status);

    private void Pay(ChatCall call, ModelId model, Spending spent)
    {
        metrics.CostUsd.Add(spent.Usd - (call.Second?.Usd ?? 0), new(LabelNames.Model, model.Value), new(LabelNames.Source, spent.Source));
        if (call.Second is { } second)
        {
            metrics.CostUsd.Add(second.Usd, new(LabelNames.Model, call.Decision!.Offered!.Value.Value), new(LabelNames.Source, second.Source));
        }

        metrics.StrongestCostUsd.Add(OfStrongest(call, model, spent.Usd));
    }

    private void Enter(ChatCall call, ModelId? model, bool isFailOver, Spending? spent, int status)
    {
        var served = new ServedCall(call.Unrouted is null ? "apply" : "observe", model, isFailOver)
        {
            ApplyShare = call.ApplyShare,
            CostUsd = spent?.Usd,
            CostSource = spent?.Source,
            PromptTokens = spent?.Tokens.Prompt ?? 0,
            CompletionTokens = spent?.Tokens.Completion ?? 0,
            LatencySeconds = Stopwatch.GetElapsedTime(call.Started).TotalSeconds,
        };
        metrics.Served(call.Requested, model, status, served.LatencySeconds);
        Describe(call, served);
        if (call.Decision is not null)
        {
            log.Offer(call.Decision, served);
            recorder.Called(call.Tenant, call.Decision, served, status, call.Second?.Usd, call.Unrouted?.Id);
        }
        else
        {
            recorder.Unrouted(call.Tenant, call.User, call.Unrouted!.Id, call.IsAuto, served, status);
        }
    }

    /// <summary>What the strongest model would have charged for the answer. What was not routed costs the same either way.</summary>
    /// <returns>US dollars.</returns>
    private double OfStrongest(ChatCall call, ModelId served, double usd)
    {
        if (call.Unrouted is not null || call.Decision is not { } decision)
        {
            return usd;
        }

        var predicted = PredictedUsd(decision, served) + (call.Second is not null ? PredictedUsd(decision, decision.Offered!.Value) : 0);
        return PredictedUsd(decision, settings.Strongest(call.Catalog).Id) is > 0 and var alone ? alone * CostCorrection.Factor(usd, predicted) : usd;
    }

    /// <summary>US dollars; 0: it was no candidate.</summary>
    private static double PredictedUsd(RouteDecision decision, ModelId model) => decision.Candidates.FirstOrDefault(c => c.Model == model).Predicted.CostUsd;

    /// <summary>What the edge's span tells of a chat: who answered, why, and for how many tokens. Nothing of what was said, and not who asked.</summary>
    private static void Describe(ChatCall call, ServedCall served)
    {
        // An activity without a source exists only for the log; nobody listens.
        if (call.Context.Features.Get<IHttpActivityFeature>()?.Activity is not { IsAllDataRequested: true, Source.Name.Length: > 0 } span)
        {
            return;
        }

        span.SetTag(GenAiNames.OperationName, GenAiNames.Chat)
            .SetTag(GenAiNames.ProviderName, GenAiNames.ThisGateway)
            .SetTag(GenAiNames.RequestModel, call.Requested)
            .SetTag(GenAiNames.RequestStream, call.Body.Streams);
        span.SetTag(GenAiNames.ResponseModel, served.Model?.Value).SetTag(GenAiNames.InputTokens, served.PromptTokens).SetTag(GenAiNames.OutputTokens, served.CompletionTokens);
        if (call.Decision is { } decision)
        {
            span.SetTag(LabelNames.SpanReason, DecisionReasonNames.Of(decision.Reason)).SetTag(LabelNames.SpanSnapshot, ApiNames.Snapshot(decision.SnapshotVersion));
        }
    }
}
