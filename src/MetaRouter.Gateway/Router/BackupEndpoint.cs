using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.Router;

/// <summary><c>POST /v1/router/backup</c>: a copy of the store's file while the gateway runs. Where it goes is the configuration's to say, never the request's.</summary>
internal sealed partial class BackupEndpoint(IUserStore store, MetaRouterOptions options, GatewaySettings settings, TimeProvider time, ILogger<BackupEndpoint> logger) : IEndpoints
{
    private const string Setting = $"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.BackupFolder)}";

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/router/backup", BackUpAsync).WithMetadata(NeedsScope.Operator);

    private async Task BackUpAsync(HttpContext context)
    {
        await RequestBody.ReadEmptyAsync(context, settings.Gateway).ConfigureAwait(false);
        if (store is not SqliteUserStore file)
        {
            throw new ApiException(501, ErrorCodes.InvalidRequest, "only_on_sqlite", store is RedisUserStore
                ? "Users are kept in Redis, which makes its own backups while everything runs: redis-cli --rdb backup.rdb."
                : $"Users are kept in memory, and gone with the process. To keep them, name a file: {MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Store)} sqlite:PATH.");
        }

        if (string.IsNullOrEmpty(options.BackupFolder))
        {
            throw new ApiException(404, ErrorCodes.InvalidRequest, "no_backup_folder", $"No backup is made, since no folder is set for it. Name one in {Setting} and restart, or stop the gateway and copy its file.");
        }

        var at = time.GetUtcNow();
        try
        {
            var backup = await file.BackUpAsync(options.BackupFolder, at, context.RequestAborted).ConfigureAwait(false);
            await Answers.WriteAsync(context, new BackupAnswer(backup.File, backup.Bytes, ApiNames.Time(at))).ConfigureAwait(false);
        }
        catch (StoreException e)
        {
            LogFailed(e.Message);
            throw new ApiException(500, ErrorCodes.Server, "backup_failed", e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reason} No backup was made.")]
    private partial void LogFailed(string reason);
}
