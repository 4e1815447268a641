namespace MetaRouter.Evaluation.Data;

/// <summary>Unlabelled text for learning an encoder.</summary>
/// <param name="Source">Where it comes from.</param>
public readonly record struct TextDocument(string Source, string Text);
