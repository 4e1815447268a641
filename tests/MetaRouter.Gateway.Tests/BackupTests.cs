using MetaRouter.RouterContract;

namespace MetaRouter.Gateway.Tests;

public sealed class BackupTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Backup_WhileUsersAreLearned_IsAStoreWithEverySignalOnce()
    {
        const int users = 60;
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:BackupFolder", _folder.File("backups"));
        var routes = await Task.WhenAll(Enumerable.Range(0, users).Select(i => gateway.RouteAsync($"user-{i}")));
        (await gateway.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":"observe"}""")).Status.ShouldBe(200);
        await Task.WhenAll(Enumerable.Range(0, users / 2).Select(i => LearnAsync(gateway, i)));

        var later = Task.WhenAll(Enumerable.Range(users / 2, users / 2).Select(i => LearnAsync(gateway, i)));
        var backup = await gateway.PostAsync("/v1/router/backup", "");
        await later;

        backup.Status.ShouldBe(200, backup.Text);
        Directory.GetFiles(_folder.File("backups")).ShouldBe([(string)backup.Body["file"]!]);
        await using var restored = await RunningGateway.StartAsync("--MetaRouter:Store", "sqlite:" + (string)backup.Body["file"]!);
        for (var i = 0; i < users; i++)
        {
            var outcome = (string)(await restored.FeedbackAsync(routes[i], $"user-{i}", "thumb", "up")).Body["outcome"]!;
            (outcome == "repeat" || (i >= users / 2 && outcome == "counted")).ShouldBeTrue($"user {i}: {outcome}");
            ((int)(await restored.GetAsync($"/v1/router/users/user-{i}")).Body["signals"]!).ShouldBe(1);
        }

        ((string)(await restored.GetAsync("/v1/router/mode")).Body["mode"]!).ShouldBe("observe");

        async Task LearnAsync(RunningGateway on, int i) => ((string)(await on.FeedbackAsync(routes[i], $"user-{i}", "thumb", "up")).Body["outcome"]!).ShouldBe("counted");
    }

    [Fact]
    public async Task Backup_WithoutAFolderOrWithAPathOfTheRequests_IsRefused()
    {
        await using var gateway = await RunningGateway.StartAsync();

        (await gateway.PostAsync("/v1/router/backup", "")).ShouldFail(404, "no_backup_folder", "MetaRouter:BackupFolder", "stop the gateway and copy its file");
        (await gateway.PostAsync("/v1/router/backup", """{"folder":"/tmp"}""")).ShouldFail(400, "unknown_field", "'folder' is not a field of this call; it has none");
    }

    [Fact]
    public async Task Backup_ThatCannotBeWritten_IsToldAndLogged()
    {
        var folder = _folder.File("backups");
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:BackupFolder", folder);
        await File.WriteAllTextAsync(folder, "a file by now");

        (await gateway.PostAsync("/v1/router/backup", "")).ShouldFail(500, "backup_failed", folder);
        gateway.Log.ShouldContain(l => l.Text.Contains($"The backup '{folder}", StringComparison.Ordinal) && l.Text.Contains("No backup was made", StringComparison.Ordinal));
        gateway.Log.ShouldNotContain(l => l.Text.Contains("failed unexpectedly", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Backup_OfWhatIsInMemory_IsRefusedWithWhatToDo()
    {
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:Store", "memory", "--MetaRouter:BackupFolder", _folder.Path);

        (await gateway.PostAsync("/v1/router/backup", "")).ShouldFail(501, "only_on_sqlite", "gone with the process", "sqlite:PATH");
    }

    [RedisFact]
    public async Task Backup_OfRedis_IsRefusedWithItsOwnWay()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:Store", "redis:" + redis.Address, "--MetaRouter:BackupFolder", _folder.Path);

        (await gateway.PostAsync("/v1/router/backup", "")).ShouldFail(501, "only_on_sqlite", "redis-cli --rdb");
    }
}
