using MetaRouter.Core.MetaLearning;
using MetaRouter.Gateway;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Options;

const int failed = 1, badConfiguration = 2;
if (args is [NewKey.Command, ..])
{
    var (text, problem) = NewKey.Make(args.AsSpan(1));
    (text is null ? Console.Error : Console.Out).WriteLine(text ?? problem);
    return text is null ? badConfiguration : 0;
}

if (ProgramArguments.AskForHelp(args))
{
    Console.WriteLine(Arguments.Help);
    return 0;
}

if (args is ["--version"])
{
    Console.WriteLine(Arguments.Version);
    return 0;
}

if (Arguments.Problems(args) is { Count: > 0 } problems)
{
    return Say(new GatewayConfigurationException(problems).Message, badConfiguration);
}

try
{
    await using var app = await GatewayApp.BuildAsync(args).ConfigureAwait(false);
    await app.StartAsync().ConfigureAwait(false);
    Console.WriteLine(Welcome.Text(app));
    await app.WaitForShutdownAsync().ConfigureAwait(false);
    return 0;
}
catch (Exception e) when (e is GatewayConfigurationException or OptionsValidationException)
{
    return Say(e.Message, badConfiguration);
}
catch (Exception e) when (e is InvalidDataException or FormatException and not SnapshotFormatException)
{
    // A settings file that is no JSON; the message names the file and the line.
    return Say($"The configuration cannot be read: {e.Message} {e.GetBaseException().Message}", badConfiguration);
}
catch (OperationCanceledException)
{
    return 0; // stopped while it was starting: a cluster's silos are waited for
}
catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    return Say($"{e.Message.TrimEnd('.')}. Stop the program that listens there, or choose another address: --urls http://127.0.0.1:8081", failed);
}
catch (Exception e) when (e is StoreException or SnapshotFormatException or IOException or UnauthorizedAccessException)
{
    return Say(e.Message, failed);
}

static int Say(string message, int code)
{
    Console.Error.WriteLine(message);
    return code;
}
