namespace MetaRouter.Core.Routing;

/// <summary>How much a decision may give up to learn something.</summary>
public sealed record ExplorationOptions
{
    /// <value>False: always the best model, with propensity 1; decisions then say nothing about the models not chosen. Default true.</value>
    public bool Enabled { get; init; } = true;

    /// <value>
    /// The share of the belief's expected regret that exploring may cost, in expectation and per decision. Default 0.1; 0 to 1.
    /// 0 explores nothing; at 1 exploring may cost as much again as not knowing the user does.
    /// </value>
    public double Rho { get; init; } = 0.1;

    /// <value>
    /// A model whose probability would be below this is not explored at all, so no importance weight of an explored choice exceeds 1 / Floor.
    /// Its probability goes to the best model, so the bound on the cost holds. Default 0; 0 to 0.5.
    /// </value>
    public double Floor { get; init; }

    /// <value>
    /// For users who give feedback on single answers and are never shown two: the number of later requests within which what feedback teaches has to pay off,
    /// times the chance of feedback on an answer. The choice is then
    /// made as if each model were worth what its answer would teach on top of its utility, so early answers cost more and later ones are better. Default 0, off; 0 to 100,000.
    /// 300: feedback on three answers in ten, to pay off within 1,000 requests.
    /// </value>
    public double Horizon { get; init; }

    /// <exception cref="ArgumentException">An option is outside its range; every problem is named.</exception>
    public void Validate()
    {
        var problems = new List<string>();
        if (Rho is not (>= 0 and <= 1))
        {
            problems.Add($"{nameof(Rho)} is {Rho}; set a share of the expected regret from 0 to 1");
        }

        if (Floor is not (>= 0 and <= 0.5))
        {
            problems.Add($"{nameof(Floor)} is {Floor}; set a probability from 0 to 0.5, because no explored model gets more than 1/2");
        }

        if (Horizon is not (>= 0 and <= 100_000))
        {
            problems.Add($"{nameof(Horizon)} is {Horizon}; set a number of requests from 0 to 100,000");
        }

        if (problems.Count > 0)
        {
            throw new ArgumentException("The exploration options cannot be used: " + string.Join("; ", problems) + ".");
        }
    }
}
