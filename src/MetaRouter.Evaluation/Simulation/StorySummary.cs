namespace MetaRouter.Evaluation.Simulation;

/// <summary>What a story came to.</summary>
/// <param name="Requests">How many there were.</param>
/// <param name="CostScaleUsd">tau: US dollars of the pool's dearest model on a mean request; 0: all are free.</param>
/// <param name="Router">The router of the story, second answers paid for.</param>
/// <param name="Knew">The same predictor, told the user's lambda from the start; it asks and explores nothing.</param>
/// <param name="BestSingle">The one model worth most at the user's lambda on the rows set aside.</param>
/// <param name="Strongest">The one model of greatest mean score on the rows set aside.</param>
/// <param name="Comparisons">Requests on which two answers were shown.</param>
/// <param name="SecondAnswersUsd">What the second answers cost; within <paramref name="Router"/>'s cost.</param>
/// <param name="Explored">Requests on which a model other than the best was tried.</param>
/// <param name="ExplorationUsd">What trying cost more than serving the best would have; within the router's cost. Below 0: it was cheaper.</param>
/// <param name="ExplorationQuality">Sum of scores gained by trying; below 0: lost.</param>
/// <param name="ThumbsUp">Answers the user praised.</param>
/// <param name="ThumbsDown">Answers the user did not like.</param>
/// <param name="TrueLambda">The user's.</param>
/// <param name="Belief">Of it, at the end.</param>
/// <param name="Inside">Whether the true lambda lies in the belief's 90 % interval.</param>
/// <param name="Explanation">The belief in a sentence.</param>
public sealed record StorySummary(
    int Requests,
    float CostScaleUsd,
    StoryPolicy Router,
    StoryPolicy Knew,
    StoryPolicy BestSingle,
    StoryPolicy Strongest,
    int Comparisons,
    float SecondAnswersUsd,
    int Explored,
    float ExplorationUsd,
    double ExplorationQuality,
    int ThumbsUp,
    int ThumbsDown,
    double TrueLambda,
    StoryBelief Belief,
    bool Inside,
    string Explanation);
