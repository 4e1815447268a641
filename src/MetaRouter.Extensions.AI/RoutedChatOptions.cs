using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using Microsoft.Extensions.AI;

namespace MetaRouter.Extensions.AI;

/// <summary>Who answers for which model, and how a routed client behaves.</summary>
public sealed class RoutedChatOptions
{
    private readonly List<(string Model, Func<IServiceProvider, IChatClient> Make)> _clients = [];

    /// <value>Whose users they are, where a call does not say; default <c>default</c>, as in a gateway without keys.</value>
    public string Tenant { get; set; } = "default";

    /// <value>lambda_cost of <see cref="Dial.Quality"/>; 0 to 1,000,000,000, default 0: cost does not matter.</value>
    public double QualityLambda { get; set; } = Dial.QualityLambda;

    /// <value>lambda_cost of <see cref="Dial.Balanced"/>; 0 to 1,000,000,000, default 0.3.</value>
    public double BalancedLambda { get; set; } = Dial.BalancedLambda;

    /// <value>lambda_cost of <see cref="Dial.Cheap"/>; 0 to 1,000,000,000, default 3.</value>
    public double CheapLambda { get; set; } = Dial.CheapLambda;

    /// <value>Models that are asked for one answer at most, the first and those after a failure; 1 to 10, default 3.</value>
    public int MostAttempts { get; set; } = 3;

    /// <value>Failures in a row after which a client is left alone for a while; 1 to 1,000, default 5.</value>
    public int CircuitFailures { get; set; } = 5;

    /// <value>Seconds it is left alone the first time; doubled each time it fails again, up to a minute. 1 to 60, default 5.</value>
    public double CircuitSeconds { get; set; } = 5;

    /// <value>
    /// Whether another model is asked after a client threw this; default: always. Providers' exceptions have no common base, so whoever knows them says which mean that
    /// the request is at fault: <c>e => e is not ClientResultException { Status: 400 or 413 or 422 }</c> of OpenAI's. The log names an exception's type alone.
    /// </value>
    public Func<Exception, bool> FailsOver { get; set; } = static _ => true;

    internal IReadOnlyList<(string Model, Func<IServiceProvider, IChatClient> Make)> Clients => _clients;

    /// <summary>This client answers for the model. Models without one are never chosen.</summary>
    /// <param name="model">As the catalog names it; the client knows what its provider calls it.</param>
    /// <param name="client">Made once, of the application's services rather than a scope's, and disposed of with them.</param>
    /// <returns>The same options.</returns>
    public RoutedChatOptions Add(string model, Func<IServiceProvider, IChatClient> client)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(client);
        _clients.Add((model, client));
        return this;
    }

    /// <summary>Every problem of these options with this catalog, empty when there is none.</summary>
    internal IReadOnlyList<string> Problems(ModelCatalog catalog)
    {
        var problems = new List<string>();
        if (Clients.Count == 0)
        {
            problems.Add("no model has a client; add them with AddRoutedChatClient(models => models.Add(MODEL, services => CLIENT))");
        }

        foreach (var unknown in Clients.Where(c => !catalog.Models.Any(m => m.Id.Value == c.Model)).Select(c => c.Model).Distinct())
        {
            problems.Add(
                $"'{unknown}' has a client and is not in the catalog; list it with its prices in section MetaRouter:Models, or use one of "
                    + $"{string.Join(", ", catalog.Models.Take(20).Select(m => m.Id))}{(catalog.Count > 20 ? $" and {catalog.Count - 20} more" : "")}");
        }

        foreach (var twice in Clients.GroupBy(c => c.Model).Where(g => g.Count() > 1).Select(g => g.Key))
        {
            problems.Add($"'{twice}' has several clients; add one, which may itself spread calls over several");
        }

        if (string.IsNullOrEmpty(Tenant))
        {
            problems.Add($"{nameof(Tenant)} is empty; name whose users they are, or leave it at default");
        }

        foreach (var (name, value, least, most) in new (string, double, double, double)[]
        {
            (nameof(MostAttempts), MostAttempts, 1, 10), (nameof(CircuitFailures), CircuitFailures, 1, 1000), (nameof(CircuitSeconds), CircuitSeconds, 1, 60),
            (nameof(QualityLambda), QualityLambda, 0, 1e9), (nameof(BalancedLambda), BalancedLambda, 0, 1e9), (nameof(CheapLambda), CheapLambda, 0, 1e9),
        })
        {
            if (!(value >= least && value <= most))
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; it must be from {least} to {most}"));
            }
        }

        return problems;
    }
}
