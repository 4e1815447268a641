using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MetaRouter.Fuzz;

/// <summary>What was run so far, a line of JSON for each piece, and the table of it.</summary>
internal static class FuzzReport
{
    private static readonly JsonSerializerOptions Names = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static IReadOnlyList<Tally> Read(string path) =>
        File.Exists(path) ? [.. File.ReadAllLines(path).Where(l => l.Length > 0).Select(l => JsonSerializer.Deserialize<Tally>(l, Names)!)] : [];

    public static void Append(string path, Tally piece) => File.AppendAllText(path, JsonSerializer.Serialize(piece, Names) + "\n");

    public static string Table(IReadOnlyList<Tally> pieces, IReadOnlyList<FuzzTarget> targets)
    {
        var text = new StringBuilder();
        text.Append("# Fuzzing\n\nWritten by `dotnet run -c Release --project tests/MetaRouter.Fuzz -- --target all --inputs 12020000 --seed SEED --report docs/results/fuzzing`, in pieces (`--seconds`); the pieces are in fuzzing.jsonl. ");
        text.Append("Taken: read, and every promise about what was read checked. Refused: as documented, with a reason. Found: any other exception, a broken promise, an input that took too long (2 s; over HTTP 10 s) or allocated too much.\n\n");
        text.Append("| target | reads | inputs | taken | refused | found | inputs a second | slowest, ms | most allocated for one, KB |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n");
        foreach (var target in targets)
        {
            Tally[] own = [.. pieces.Where(p => p.Target == target.Name)];
            if (own.Length > 0)
            {
                Row(target.Name, target.Reads, own);
            }
        }

        Row("all", "", pieces);
        text.Append(CultureInfo.InvariantCulture, $"\nSeeds: {string.Join(", ", pieces.Select(p => p.Seed).Distinct().Order())}.\n");
        return text.ToString();

        void Row(string name, string reads, IReadOnlyCollection<Tally> own) => text.Append(CultureInfo.InvariantCulture,
            $"| {name} | {reads} | {own.Sum(p => p.Inputs):n0} | {own.Sum(p => p.Taken):n0} | {own.Sum(p => p.Refused):n0} | {own.Sum(p => p.Finds):n0} | {own.Sum(p => p.Inputs) / own.Sum(p => p.Seconds):n0} | {own.Max(p => p.SlowestMs):n0} | {own.Max(p => p.MostBytes) / 1024.0:n0} |\n");
    }
}
