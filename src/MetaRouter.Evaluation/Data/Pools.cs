using MetaRouter.Core.Catalog;

namespace MetaRouter.Evaluation.Data;

/// <summary>The pools of the benchmark, and any other that a caller spells out.</summary>
public static class Pools
{
    public static Pool MmluPro8 { get; } = Named(
        "mmlu-pro-8", "mmlu-pro", "gpt-4o-2024-05-13", "gemini-1.5-pro-002", "gemini-1.5-flash-002",
        "llama-3.1-70b-instruct", "llama-3.1-8b-instruct", "deepseek-v2-chat",
        "mixtral-8x7b-instruct", "qwen1.5-72b-chat");

    public static Pool RouterBench8 { get; } = Named(
        "routerbench-8", "routerbench-subset", "gpt-4-1106-preview", "yi-34b-chat",
        "mixtral-8x7b-chat", "gpt-3.5-turbo-1106", "claude-v1", "claude-instant-v1",
        "llama-2-70b-chat", "mistral-7b-chat");

    public static Pool ZeroEval11 { get; } = Named(
        "zeroeval-11", "zeroeval", "claude-3-5-sonnet-20241022", "gpt-4o-2024-08-06",
        "gpt-4o-mini-2024-07-18", "mistral-large-2407", "llama-3.1-405b-instruct",
        "claude-3-5-haiku-20241022", "deepseek-v2.5", "gemini-1.5-pro", "gemini-1.5-flash",
        "llama-3.1-8b-instruct", "gemma-2-9b-it");

    public static IReadOnlyList<Pool> All { get; } = [MmluPro8, RouterBench8, ZeroEval11];

    /// <summary>A pool of the benchmark: what the project set out to reach was set of these.</summary>
    public static bool IsNamed(string? pool) => All.Any(p => p.Name == pool);

    /// <summary>A named pool, or <c>FILE:MODEL,MODEL,...</c> with at least two models, or <c>FILE</c> for the <see cref="SharedModels"/> of one.</summary>
    /// <param name="folder">Where the file of <c>FILE</c> alone is looked for.</param>
    /// <exception cref="DataFileException">None of these, and the message lists the named pools; or no such folder.</exception>
    public static Pool Parse(string text, string folder)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (All.FirstOrDefault(p => p.Name == text) is { } pool)
        {
            return pool;
        }

        // Past a Windows drive's colon; the first one after it, since model names such as "llama3:8b" have colons too.
        var colon = text.Length > 2 ? text.IndexOf(':', text[1] == ':' && text[2] is '\\' or '/' ? 2 : 0) : -1;
        if (colon <= 0)
        {
            DataFolder.Check(folder);
            return text.Length > 0 && DataFolder.Has(folder, text)
                ? OfFile(text, DataFolder.Find(folder, text))
                : throw new DataFileException(
                    $"Unknown pool '{text}'. Pools: {string.Join(", ", All.Select(p => p.Name))}; or FILE, or FILE:MODEL,MODEL,..., with a file of the "
                        + $"data folder, which has {(DataFolder.Files(folder).ToList() is { Count: > 0 } files ? string.Join(", ", files) : "none")}.");
        }

        var names = text[(colon + 1)..].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length < 2)
        {
            throw new DataFileException($"Pool '{text}': routing needs at least two models, as in FILE:MODEL,MODEL.");
        }

        try
        {
            return new Pool(text, text[..colon], [.. names.Select(n => new ModelId(n))]);
        }
        catch (ArgumentException e)
        {
            throw new DataFileException($"Pool '{text}': {e.Message}", e);
        }
    }

    private static Pool OfFile(string text, string path)
    {
        var table = OutcomeReader.Read(path).Table;
        var models = SharedModels.Of(table);
        return models.Count >= 2
            ? new Pool(text, text, models)
            : throw new DataFileException(
                $"{path}: no two models have a score and a price on the same half of the {table.Rows} rows. "
                    + $"Name the models: {text}:MODEL,MODEL. The file has: {string.Join(", ", table.Models)}.");
    }

    private static Pool Named(string name, string file, params string[] models) => new(name, file, [.. models.Select(m => new ModelId(m))]);
}
