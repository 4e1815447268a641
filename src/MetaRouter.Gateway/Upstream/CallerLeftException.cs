using MetaRouter.Core.Catalog;

namespace MetaRouter.Gateway.Upstream;

/// <summary>The caller went away while a model had its prompt and no answer was here: it may have been at work, and what it would have written is not known.</summary>
internal sealed class CallerLeftException(ModelId model, OperationCanceledException cause) : OperationCanceledException(cause.Message, cause, cause.CancellationToken)
{
    public ModelId Model { get; } = model;
}
