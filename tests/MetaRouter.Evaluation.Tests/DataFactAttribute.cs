namespace MetaRouter.Evaluation.Tests;

/// <summary>A test on the real data, which is not part of the project: skipped, with the reason, where the folder is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DataFactAttribute : FactAttribute
{
    public DataFactAttribute()
    {
        if (Folder is null)
        {
            Skip = "The data folder (shared/data beside the clone) is not here.";
        }
    }

    public static string? Folder { get; } = Find();

    private static string? Find() => Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "data")) is var folder && Directory.Exists(folder) ? folder : null;
}
