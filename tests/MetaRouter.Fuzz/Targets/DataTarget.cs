using System.IO.Compression;
using System.Text;
using MetaRouter.Cli;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.OffPolicy;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// Data files: outcomes, plain and gzip, decision logs, preference labels and texts, each changed within its lines and across them. A file is refused with
/// <see cref="DataFileException"/>; a bad line is skipped and reported; what is read keeps to its ranges. One log in 32 goes through the whole command.
/// </summary>
internal sealed class DataTarget : FuzzTarget
{
    private const int MostUnzipped = 1032; // times the zipped length: 258 bytes for 2 bits

    private const byte Outcomes = (byte)'O', Zipped = (byte)'Z', Log = (byte)'D', Preferences = (byte)'P', Texts = (byte)'T';

    private static readonly byte[] OutcomeLines = Lines(
        """{"id":"1","dataset":"d","category":"math","query":"What is 2 + 2?","contaminated":false,"in_routellm_mmlu":"x","models":{"weak":{"score":1,"cost_usd":0.0001,"in":12,"out":3,"lat_s":0.5},"strong":{"score":1,"cost_usd":0.01}}}""",
        """{"id":"2","dataset":"d","query":"What is 2 + 3?","models":{"weak":{"score":0,"cost_usd":0.0001},"strong":{"score":0.5,"cost_usd":null}}}""",
        """{"id":"3","dataset":"e","query":"Why?","models":{"weak":{"score":0.25,"cost_usd":1e-7,"in":1,"out":100},"strong":{"score":1,"cost_usd":2}}}""");

    private static readonly byte[] LogLines = Lines(
        """{"time":"2026-01-01T00:00:00.000Z","nonce":1,"snapshot":"a","chosen":"weak","propensity":0.75,"candidates":[{"model":"weak","quality":0.5,"cost_usd":0.001,"utility":0.4,"propensity":0.75},{"model":"strong","quality":0.75,"cost_usd":0.01,"utility":0.3,"propensity":0.25}]}""",
        """{"time":"2026-01-01T00:00:00.000Z","nonce":1,"feedback":"Thumb","value":1}""",
        """{"time":"2026-01-01T00:00:01.000Z","nonce":2,"chosen":"strong","offered":null,"served":"strong","mode":"apply","candidates":[{"model":"weak","quality":0.5,"cost_usd":0.001,"utility":0.4,"propensity":0.5},{"model":"strong","quality":0.75,"cost_usd":0.01,"utility":0.3,"propensity":0.5}]}""",
        """{"time":"2026-01-01T00:00:01.000Z","nonce":2,"feedback":"Rating","value":4,"withdrawn":false}""",
        """{"time":"2026-01-01T00:00:02.000Z","nonce":3,"chosen":"weak","reward":0.5,"candidates":[{"model":"weak","quality":0.5,"cost_usd":0.001,"utility":0.4,"propensity":1}]}""");

    private readonly (byte Kind, Mutator Mutator)[] _kinds =
    [
        (Outcomes, new([OutcomeLines], isText: true, "\"score\":", "\"cost_usd\":", "\"models\":{", "\"weak\":{\"score\":1,\"cost_usd\":1}", "\"contaminated\":true", "\n", "\r\n", "{}", "null", "\"id\":\"1\"")),
        (Zipped, new([Zip(OutcomeLines), Zip([.. Enumerable.Repeat((byte)'\n', 100_000)])], isText: false)),
        (Log, new([LogLines], isText: true, "\"propensity\":", "\"candidates\":[]", "\"reward\":", "\"feedback\":\"Abandon\"", "\"feedback\":\"255\"", "\"withdrawn\":true", "\"nonce\":", "\n", "null", "\"value\":", "\"mode\":\"observe\"")),
        (Preferences, new([Lines("""{"id":"1","query":"Why?","model_a":"weak","model_b":"strong","votes":{"a":2,"b":1,"tie":0}}""", """{"id":"2","query":"How?","model_a":"a","model_b":"b","votes":{"a":0,"b":1.5,"tie":3}}""")], isText: true, "\"votes\":", "\"tie\":", "\"model_a\":", "\n", "null", "{}")),
        (Texts, new([Lines("""{"source":"s","text":"Words and words."}""", """{"text":"More of them."}""")], isText: true, "\"text\":", "\"source\":", "\n", "null")),
    ];

    private readonly string _folder = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), "metarouter-fuzz-" + Guid.NewGuid().ToString("n"))).FullName;

    public DataTarget()
        : base("data files", 1 << 17)
    {
    }

    public override string Reads => "`OutcomeReader`, `DecisionLogReader`, `evaluate --log`, `PreferenceReader`, `TextDocumentReader`";

    /// <summary>A reader has a buffer of 256 KB, and the command its tables. What is zipped counts as long as it can become.</summary>
    public override long MemoryLimit(int length) => (16 << 20) + (64L * length * (Input.Bytes[0] == Zipped ? MostUnzipped : 1));

    public override void Draw(Chance chance)
    {
        var (kind, mutator) = _kinds[chance.Next(_kinds.Length)];
        mutator.Draw(chance, Input);
        Input.Replace(0, 0, [kind, (byte)chance.Next(256)]);
    }

    public override bool Run()
    {
        var kind = Input.Bytes[0];
        var path = Path.Combine(_folder, kind == Zipped ? "input.jsonl.gz" : "input.jsonl");
        File.WriteAllBytes(path, Input.Bytes[2..]);
        try
        {
            switch (kind)
            {
                case Outcomes or Zipped:
                    var table = OutcomeReader.Read(path).Table;
                    Promise(table.Rows > 0 && table.ModelCount > 0, "A table of nothing.");
                    break;
                case Log when Input.Bytes[1] < 8:
                    return RunCommand(path);
                case Log:
                    var (decisions, _, _, _, _, _) = DecisionLogReader.Read([path]);
                    Promise(decisions.All(d => d.Reward is null or (>= 0 and <= 1)), "A reward outside 0 to 1.");
                    break;
                case Preferences:
                    return PreferenceReader.Read(path).Pairs.Count > 0;
                default:
                    TextDocumentReader.Read(path);
                    break;
            }
        }
        catch (DataFileException e)
        {
            Promise(e.Message.Length > 20, "A refusal without a reason.");
            return false;
        }

        return true;
    }

    public override ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return base.DisposeAsync();
    }

    private static bool RunCommand(string path)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = CommandLine.RunAsync(["evaluate", "--log", path, "--json"], new Terminal(output, error, false, false), CancellationToken.None).GetAwaiter().GetResult();
        Promise(code is ExitCodes.Success or ExitCodes.BadInput, $"evaluate --log ends with {code}: {error}");
        return code == ExitCodes.Success;
    }

    private static byte[] Lines(params string[] lines) => Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n");

    private static byte[] Zip(byte[] bytes)
    {
        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return stream.ToArray();
    }
}
