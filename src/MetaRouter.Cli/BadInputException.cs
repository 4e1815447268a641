namespace MetaRouter.Cli;

/// <summary>Arguments that parse but cannot be used. The message says what to give instead.</summary>
internal sealed class BadInputException(string message, Exception? innerException = null) : Exception(message, innerException);
