namespace MetaRouter.Cli;

/// <summary>A word of a command line, so that a shell takes it as it is.</summary>
internal static class ShellWord
{
    public static string Of(string word) => word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || "-_./:,=+@~\\".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
