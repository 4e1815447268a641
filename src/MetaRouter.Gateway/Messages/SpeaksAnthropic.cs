namespace MetaRouter.Gateway.Messages;

/// <summary>Marks an endpoint whose errors have Anthropic's shape.</summary>
internal sealed class SpeaksAnthropic;
