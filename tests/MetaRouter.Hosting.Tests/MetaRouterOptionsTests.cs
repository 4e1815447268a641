namespace MetaRouter.Hosting.Tests;

public class MetaRouterOptionsTests
{
    [Fact]
    public void Problems_OfTheDefaults_AreNone() => new MetaRouterOptions().Problems().ShouldBeEmpty();

    [Fact]
    public void Problems_NamesEveryOneWithItsValueAtOnce()
    {
        var options = new MetaRouterOptions
        {
            Store = "mongo:here",
            Snapshot = "/no/such.mrsnap",
            UsersInMemory = 999,
            RefreshSeconds = 0.5,
            RefreshUsers = 99,
            ExplorationShare = double.NaN,
            ReceiptHours = 721,
            MaxCostUsd = -1.5,
            DecisionLogQueue = 99,
        };
        options.Models.Add(new() { Id = "white space", InputPrice = -2 });
        options.Models.Add(new() { Id = "twice", InputPrice = 1, OutputPrice = 1 });
        options.Models.Add(new() { Id = "twice", InputPrice = 1, OutputPrice = 1, ContextWindow = -7, OutputScale = 200, LatencySeconds = -1 });

        var problems = options.Problems();

        string[][] expected =
        [
            ["Store", "mongo:here"], ["Snapshot", "/no/such.mrsnap"], ["UsersInMemory", "999"], ["RefreshSeconds", "0.5"], ["RefreshUsers", "99"], ["ExplorationShare", "NaN"],
            ["ReceiptHours", "721"], ["MaxCostUsd", "-1.5"], ["DecisionLogQueue", "99"], ["Models[0]", "white space", "visible ASCII"], ["Models[0]", "InputPrice", "-2"], ["Models[0]", "no OutputPrice"],
            ["'twice' is listed twice"], ["context window of -7"], ["OutputScale of 200", "0.01 to 100"], ["latency of -1 s", "0 to 1,000,000"],
        ];
        foreach (var parts in expected)
        {
            problems.ShouldContain(p => parts.All(part => p.Contains(part, StringComparison.Ordinal)), string.Join(" + ", parts) + " in:\n" + string.Join('\n', problems));
        }

        problems.ShouldAllBe(p => !p.Contains("Parameter", StringComparison.Ordinal) && !p.Contains('\n'));
    }

    [Fact]
    public void Problems_AbsentStore_IsOne() => new MetaRouterOptions { Store = null! }.Problems().ShouldHaveSingleItem();

    [Fact]
    public void Problems_NoEnabledModel_IsOne()
    {
        var options = new MetaRouterOptions();
        options.Models.Add(new() { Id = "off", InputPrice = 1, OutputPrice = 1, Enabled = false });

        options.Problems().ShouldHaveSingleItem().ShouldContain("none is enabled");
    }
}
