namespace MetaRouter.Evaluation.Robustness;

/// <summary>
/// Looks for words that send whatever they are put behind to dearer models: the attacker sees what the router predicts and tries words one place at a time, keeping what costs most.
/// </summary>
/// <remarks>
/// Greedy coordinate search with random proposals: a suffix grows word by word, then every place is tried again. O(restarts x places x proposals x prompts) decisions.
/// Source: confounder gadgets, Shafran et al. 2025, Rerouting LLM Routers (arXiv:2501.01818).
/// </remarks>
public static class SuffixSearch
{
    /// <summary>Words of a suffix.</summary>
    public const int Places = 12;

    private const int Proposals = 32, Sweeps = 2;

    /// <param name="words">What a suffix may be made of; one at least.</param>
    /// <param name="harm">What a suffix, which begins with a space, does on the prompts searched with: more is worse. Called from several threads.</param>
    /// <returns>The worst found.</returns>
    public static string Find(IReadOnlyList<string> words, Func<string, double> harm, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(words);
        ArgumentNullException.ThrowIfNull(harm);
        var random = new Random(seed);
        var (suffix, worst) = (new List<string>(), harm(""));
        for (var step = 0; step < Places * (1 + Sweeps); step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var place = step % Places;
            string[] proposals = [.. Enumerable.Range(0, Proposals).Select(_ => words[random.Next(words.Count)])];
            string[][] tried = [.. proposals.Select(word => place < suffix.Count ? [.. suffix[..place], word, .. suffix[(place + 1)..]] : (string[])[.. suffix, word])];
            var harms = new double[tried.Length];
            Parallel.For(0, tried.Length, i => harms[i] = harm(Join(tried[i])));
            var best = Enumerable.Range(0, tried.Length).MaxBy(i => harms[i]);
            if (harms[best] > worst)
            {
                (suffix, worst) = ([.. tried[best]], harms[best]);
            }
        }

        return Join(suffix);
    }

    private static string Join(IReadOnlyCollection<string> words) => words.Count == 0 ? "" : " " + string.Join(' ', words);
}
