namespace MetaRouter.Gateway.Demo;

/// <summary>Simulated users, for looking at the console: section <c>Demo</c>, in force with <c>--demo</c> on the command line.</summary>
internal sealed class DemoOptions
{
    public const string Section = "Demo", Switch = "--demo";

    /// <value>How many users; 1 to 1,000, default 50.</value>
    public int Users { get; set; } = 50;

    /// <value>The seed of all chance; the same seed gives the same users, requests and answers. Default 1.</value>
    public int Seed { get; set; } = 1;

    /// <value>Requests a second of all users together; above 0 to 1,000, default 20.</value>
    public double RequestsPerSecond { get; set; } = 20;

    /// <value>A folder with outcome files (<c>*.jsonl</c>, <c>*.jsonl.gz</c>, a JSON object a line with query and models): requests and the models' outcomes
    /// are then real. Empty, the default: both are made up.</value>
    public string Data { get; set; } = "";

    public IEnumerable<string> Problems()
    {
        if (Users is < 1 or > 1000)
        {
            yield return $"{Section}:{nameof(Users)} is {Users}; it must be from 1 to 1000";
        }

        if (!(RequestsPerSecond is > 0 and <= 1000))
        {
            yield return FormattableString.Invariant($"{Section}:{nameof(RequestsPerSecond)} is {RequestsPerSecond}; it must be above 0, and 1000 at most");
        }

        if (Data.Length > 0 && !Directory.Exists(Data))
        {
            yield return $"{Section}:{nameof(Data)} is '{Data}', which is not a folder; name one with outcome files, or leave it out for made-up requests";
        }
    }
}
