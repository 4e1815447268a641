using System.Text.Json.Nodes;

namespace MetaRouter.Cli.Tests;

public sealed class CatalogCommandTests : IDisposable
{
    private const string Prices = """
        {
          "sample_spec": {"mode": "one of: chat, embedding", "input_cost_per_token": 0.0},
          "gpt-4o": {"mode": "chat", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06, "cache_creation_input_token_cost": 3.125e-06, "max_input_tokens": 128000, "max_tokens": 16384, "supports_function_calling": true, "supports_vision": true, "supports_response_schema": true},
          "local/free": {"mode": "chat", "input_cost_per_token": 0, "output_cost_per_token": 0, "max_tokens": 8192},
          "text-embedding-3-small": {"mode": "embedding", "input_cost_per_token": 2e-08, "output_cost_per_token": 0},
          "text-embedding-3-large": {"mode": "embedding", "input_cost_per_token": 1.3e-07},
          "no-price": {"mode": "chat", "input_cost_per_token": 1e-06},
          "a text price": {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
          "words": {"mode": "chat", "input_cost_per_token": "0.000001", "output_cost_per_token": 1e-06},
          "negative": {"mode": "chat", "input_cost_per_token": -1e-06, "output_cost_per_token": 1e-06},
          "unsaid": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
          "unwritable": {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06, "cache_creation_input_token_cost": "dear"},
          "null": null
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Import_PriceList_TakesWhatCanBeRoutedAndSaysWhatItSkipped()
    {
        await File.WriteAllTextAsync(PathOf("prices.json"), Prices);

        var (code, output, error) = await Run("catalog", "import", PathOf("prices.json"));

        code.ShouldBe(0, error);
        var models = JsonNode.Parse(output)!["models"]!.AsArray();
        models.Select(m => (string)m!["id"]!).ShouldBe(["gpt-4o", "local/free"]);
        models[0]!.ToJsonString().ShouldBe("""{"id":"gpt-4o","input_price_usd_per_million":2.5,"output_price_usd_per_million":10,"cached_input_price_usd_per_million":1.25,"cache_write_price_usd_per_million":3.125,"context_window":128000,"capabilities":["tools","vision","structured_output","streaming"]}""");
        ((double)models[1]!["output_price_usd_per_million"]!).ShouldBe(0);
        ((int)models[1]!["context_window"]!).ShouldBe(8192);
        error.ShouldContain("Skipped 2: mode embedding (text-embedding-3-small, text-embedding-3-large)");
        error.ShouldContain("no usable output_cost_per_token (no-price)");
        error.ShouldContain("no usable input_cost_per_token (words, negative)");
        error.ShouldContain("no usable cache_creation_input_token_cost (unwritable)");
        error.ShouldContain("a name no model can have (a text price)");
        error.ShouldContain("mode is missing (unsaid)");
        error.ShouldContain("no object (null)");
        error.ShouldContain("2 models, 9 skipped.");
    }

    [Fact]
    public async Task Import_OnlyAndOut_ChoosesAndWritesTheFile()
    {
        await File.WriteAllTextAsync(PathOf("prices.json"), Prices);

        var (code, output, error) = await Run("catalog", "import", PathOf("prices.json"), "--only", "gpt-*", "--out", PathOf("catalog.json"));

        code.ShouldBe(0, error);
        output.ShouldBeEmpty();
        JsonNode.Parse(await File.ReadAllTextAsync(PathOf("catalog.json")))!["models"]!.AsArray().Count.ShouldBe(1);
    }

    /// <summary>Found by fuzzing: names are compared, and what is no text cannot be.</summary>
    [Fact]
    public async Task Import_NamesThatAreNoText_AreSkippedAndTheRestIsTaken()
    {
        const string Facts = """{"mode":"chat","input_cost_per_token":1e-06,"output_cost_per_token":1e-06""";
        var valid = $$"""{"good":{{Facts}}},"\ud800":{{Facts}}},"field":{{Facts}},"\udc00max_tokens":1},"bad""";
        byte[] bytes = [.. System.Text.Encoding.UTF8.GetBytes(valid), 0xC0, 0x80, .. System.Text.Encoding.UTF8.GetBytes($"\":{Facts}}}}}")];
        await File.WriteAllBytesAsync(PathOf("prices.json"), bytes);

        var (code, output, error) = await Run("catalog", "import", PathOf("prices.json"));

        code.ShouldBe(0, error);
        JsonNode.Parse(output)!["models"]!.AsArray().Select(m => (string)m!["id"]!).ShouldBe(["good"]);
        error.ShouldContain("a name that is not valid text (entry 2, entry 4)");
        error.ShouldContain("a field name or word that is not valid text (field)");
    }

    [Theory]
    [InlineData("[1]", "an object")]
    [InlineData("{", "prices.json: The price list is not JSON at line 1")]
    [InlineData("{}", "no model is left")]
    public async Task Import_NoPriceList_ExitsWith2(string text, string named)
    {
        await File.WriteAllTextAsync(PathOf("prices.json"), text);

        var (code, _, error) = await Run("catalog", "import", PathOf("prices.json"));

        code.ShouldBe(2);
        error.ShouldContain(named);
        (await Run("catalog", "import", PathOf("none.json"))).Error.ShouldContain("no such file");
    }

    private string PathOf(string name) => _folder.File(name);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(args);
}
