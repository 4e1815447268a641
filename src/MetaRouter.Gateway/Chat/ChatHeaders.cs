using System.Globalization;
using System.Net.Http.Headers;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>The headers that say who answers, why, and what it cost.</summary>
internal static class ChatHeaders
{
    private const string Off = "off";

    /// <summary>Written before anybody is asked, so that a failure carries them too.</summary>
    public static void Tell(ChatCall call, ulong snapshot)
    {
        var (headers, decision) = (call.Context.Response.Headers, call.Decision);
        headers["x-router-model"] = call.Unrouted?.Id.Value ?? decision!.Model.Value;
        headers["x-router-reason"] = call.Unrouted is null ? DecisionReasonNames.Of(decision!.Reason) : call.IsAuto ? Off : DecisionReasonNames.Requested;
        headers["x-router-explored"] = call.Unrouted is null && decision!.Reason == DecisionReason.Explored ? "true" : "false";
        headers["x-router-policy-version"] = ApiNames.Snapshot(decision?.SnapshotVersion ?? snapshot);
        if (decision is not null)
        {
            headers[call.Unrouted is null ? "x-router-decision" : "x-router-observed"] = call.Unrouted is null ? decision.Token : decision.Model.Value;
        }
    }

    /// <summary>Written again once it is known who answers.</summary>
    /// <param name="receipt">The receipt for feedback on this answer; null: nothing was decided.</param>
    public static void Retell(IHeaderDictionary headers, UpstreamAnswer answer, string? receipt, bool isFailOver)
    {
        headers["x-router-model"] = answer.Model.Value;
        headers["x-router-attempts"] = answer.Attempts.ToString(CultureInfo.InvariantCulture);
        if (isFailOver)
        {
            headers["x-router-reason"] = DecisionReasonNames.FailOver;
            headers["x-router-explored"] = "false";
        }

        if (receipt is not null)
        {
            headers["x-router-decision"] = receipt;
        }

        if (answer.Status != StatusCodes.Status200OK)
        {
            headers.RetryAfter = answer.Headers?.RetryAfter?.ToString();
        }

        foreach (var (name, values) in answer.Headers?.NonValidated ?? default(HttpHeadersNonValidated))
        {
            // A header that is not plain text cannot be sent on; the answer it came with was paid for, and is.
            if ((name.StartsWith("x-ratelimit-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("anthropic-ratelimit-", StringComparison.OrdinalIgnoreCase))
                && !headers.ContainsKey(name)
                && values.ToString() is var value
                && !value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            {
                headers[name] = value;
            }
        }
    }

    /// <summary>What a stream cost, which is known only after its headers were sent: a comment among its events.</summary>
    public static string PriceComment(in Spending spent) => $": x-router-cost-usd {Usd(spent.Usd)} {spent.Source}\n\n";

    public static void Price(HttpContext context, in Spending spent)
    {
        context.Response.Headers["x-router-cost-usd"] = Usd(spent.Usd);
        context.Response.Headers["x-router-cost-source"] = spent.Source;
    }

    /// <summary>A cost as it is written for one answer.</summary>
    public static string Usd(double usd) => usd.ToString("0.##########", CultureInfo.InvariantCulture);
}
