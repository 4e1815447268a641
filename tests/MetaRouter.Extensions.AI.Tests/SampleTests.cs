using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MetaRouter.Gateway.Tests;

namespace MetaRouter.Extensions.AI.Tests;

public class SampleTests
{
    [Fact]
    public void Page_ShowsTheSample()
    {
        var sample = Repository.Read("docs", "samples", "RoutedChat", "Program.cs");
        var shown = Repository.Read("docs", "chat-client.md").Split("```")[1].Split('\n')[1..].Where(l => l is not ("" or "...")).ToArray();
        shown.Length.ShouldBeGreaterThan(8);
        shown.ShouldAllBe(line => sample.Contains(line));
    }

    /// <summary>The first that a reader meets who starts it.</summary>
    [Fact]
    public async Task Sample_WithoutAKey_SaysSoAndEnds()
    {
        var (code, said) = await Programs.RunAsync(Programs.Of("RoutedChat", "--OPENAI_API_KEY", ""));

        code.ShouldBe(2);
        said.Trim().ShouldStartWith("OPENAI_API_KEY is not set.");
        said.Trim().ShouldNotContain('\n');
    }

    [Fact]
    public async Task Sample_RoutesAUsersQuestionAndLearns()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ScriptedUpstream.StartAsync("served");
        using var sample = Process.Start(Programs.Of("RoutedChat", "--urls", "http://127.0.0.1:0", "--OPENAI_API_KEY", "none", "--OPENAI_BASE_URL", server.Url, "--MetaRouter:Store", "sqlite:" + folder.File("users.db"), "--contentRoot", folder.Path))!;
        try
        {
            using var http = new HttpClient { BaseAddress = await Programs.AddressOfAsync(sample) };
            using var asked = await http.PostAsJsonAsync("/users/ada/ask", new { text = "What is a monad?" });
            asked.EnsureSuccessStatusCode();
            var answer = await asked.Content.ReadFromJsonAsync<JsonElement>();
            answer.GetProperty("answer").GetString().ShouldBe("I am served");
            answer.GetProperty("model").GetString().ShouldBeOneOf("gpt-4o-2024-05-13", "gpt-4o-mini-2024-07-18");
            answer.GetProperty("why").GetString().ShouldNotBeNullOrEmpty();

            using var thumb = await http.PostAsJsonAsync("/users/ada/thumb", new { receipt = answer.GetProperty("receipt").GetString(), up = true });
            (await thumb.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("counted").GetBoolean().ShouldBeTrue();

            using var forged = await http.PostAsJsonAsync("/users/ada/thumb", new { receipt = "forged", up = true });
            forged.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        }
        finally
        {
            sample.Kill();
            await sample.WaitForExitAsync();
        }
    }
}
