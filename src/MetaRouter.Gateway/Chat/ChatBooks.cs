using System.Diagnostics;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary>Takes down what became of a call: in the meters, the decision log and the console's journal.</summary>
internal sealed class ChatBooks(DecisionLog log, WebConsole.Watch watch, GatewayMetrics metrics)
{
    /// <param name="spent">Null: the upstream refused, and nothing was spent.</param>
    public void Answered(ChatCall call, UpstreamAnswer answer, bool isFailOver, Spending? spent)
    {
        var model = new KeyValuePair<string, object?>("model", answer.Model.Value);
        metrics.CallSeconds.Record(Stopwatch.GetElapsedTime(call.Started).TotalSeconds, model);
        if (spent is { } s)
        {
            metrics.CostUsd.Add(s.Usd, model, new("source", s.Source));
            metrics.Tokens.Add(s.Tokens.Prompt, model, new("type", "input"));
            metrics.Tokens.Add(s.Tokens.Completion, model, new("type", "output"));
        }

        Enter(call, answer.Status == StatusCodes.Status200OK ? answer.Model : null, isFailOver, spent, answer.Status);
    }

    /// <summary>Nobody answered.</summary>
    public void Failed(ChatCall call, int status) => Enter(call, null, false, null, status);

    private void Enter(ChatCall call, ModelId? model, bool isFailOver, Spending? spent, int status)
    {
        var served = new ServedCall(call.Unrouted is null ? "apply" : "observe", model, isFailOver)
        {
            CostUsd = spent?.Usd,
            CostSource = spent?.Source,
            PromptTokens = spent?.Tokens.Prompt ?? 0,
            CompletionTokens = spent?.Tokens.Completion ?? 0,
            LatencySeconds = Stopwatch.GetElapsedTime(call.Started).TotalSeconds,
        };
        if (call.Decision is not null)
        {
            log.Offer(call.Decision, served);
            watch.Called(call.Tenant, call.Decision, served, status, call.IsCompared);
        }
        else
        {
            watch.Unrouted(call.Tenant, call.User, call.Unrouted!.Id, call.IsAuto, served, status);
        }
    }
}
