using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// All that the meta-learner sees of one user: ln P(the user's signals | lambda, beta) at each hypothesis, the prior divided out
/// (a posterior would feed the prior back to itself until it collapsed). No text, no identity.
/// </summary>
/// <param name="LogLikelihood"><see cref="ChoiceModel.Hypotheses"/> numbers.</param>
/// <param name="Signals">How many signals it rests on.</param>
public sealed record TaskSummary(float[] LogLikelihood, int Signals);
