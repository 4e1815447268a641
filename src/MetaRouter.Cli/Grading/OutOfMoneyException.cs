namespace MetaRouter.Cli.Grading;

/// <summary>The next call could cost more than is left.</summary>
internal sealed class OutOfMoneyException() : Exception("No money is left for another call.");
