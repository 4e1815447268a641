using System.Net.Sockets;

namespace MetaRouter.Hosting.Settings;

/// <summary><c>health [URL]</c>: asks a running program of ours for its health, from within an image that has neither shell nor curl. It ends with 0 or 1, as container engines want it.</summary>
internal static class HealthCommand
{
    public const string Name = "health";

    /// <summary>Below the timeouts that container engines are usually given, so that the reason is printed first.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(4);

    /// <param name="arguments">What follows the command: the address the program listens on, or nothing.</param>
    /// <param name="otherwise">The address where none is given.</param>
    /// <returns>0: it should be sent requests; <see cref="ProgramArguments.Failed"/>: it should not, or does not answer;
    /// <see cref="ProgramArguments.BadConfiguration"/>: the arguments are wrong.</returns>
    public static async Task<int> RunAsync(string[] arguments, string otherwise)
    {
        var address = arguments is [var given] ? given : otherwise;
        if (arguments.Length > 1 || !Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            return ProgramArguments.Fail(
                $"usage: {Name} [URL]; the URL is the address that the program listens on, such as {otherwise}, not '{string.Join(' ', arguments)}'",
                ProgramArguments.BadConfiguration);
        }

        url = new Uri(url, "/health");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = s_patience };
        try
        {
            using var response = await http.GetAsync(url).ConfigureAwait(false);
            var said = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                return ProgramArguments.Fail($"{url} answers {(int)response.StatusCode}: {said}");
            }

            Console.WriteLine(said);
            return 0;
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or TaskCanceledException)
        {
            return ProgramArguments.Fail($"{url} does not answer: {e.GetBaseException().Message}");
        }
    }
}
