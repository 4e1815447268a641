namespace MetaRouter.Cli.Gateways;

/// <summary>The gateway is not there, or cannot answer just now; trying again later may help. The message says what to look at.</summary>
internal sealed class GatewayException(string message, Exception? innerException = null) : Exception(message, innerException);
