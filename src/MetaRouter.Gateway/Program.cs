using MetaRouter.Core.MetaLearning;
using MetaRouter.Gateway;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Options;
using static MetaRouter.Hosting.Settings.ProgramArguments;

if (args is [NewKey.Command, ..] && !AsksForHelp(args))
{
    var (text, problem) = NewKey.Make(args.AsSpan(1));
    (text is null ? Console.Error : Console.Out).WriteLine(text ?? problem);
    return text is null ? BadConfiguration : 0;
}

if (args is [HealthCommand.Name, ..] && !AsksForHelp(args))
{
    return await HealthCommand.RunAsync(args[1..], GatewayApp.DefaultUrl).ConfigureAwait(false);
}

if (args is [CopyStore.Command, ..] && !AsksForHelp(args))
{
    return await CopyStore.RunAsync(args[1..], Console.Out).ConfigureAwait(false);
}

if (Answer(args, Arguments.Help, Arguments.Version, Arguments.Problems(args)) is { } code)
{
    return code;
}

try
{
    await using var app = await GatewayApp.BuildAsync(args).ConfigureAwait(false);
    using var hangUp = HangUp.Stops(app.Lifetime);
    await app.StartAsync().ConfigureAwait(false);
    Console.WriteLine(Welcome.Text(app));
    await app.WaitForShutdownAsync().ConfigureAwait(false);
    return 0;
}
catch (Exception e) when (e is GatewayConfigurationException or OptionsValidationException)
{
    return Fail(e.Message, BadConfiguration);
}
catch (Exception e) when (e is InvalidDataException or FormatException and not SnapshotFormatException)
{
    // A settings file that is not JSON; the message names the file and the line.
    return Fail($"The configuration cannot be read: {e.Message} {e.GetBaseException().Message}", BadConfiguration);
}
catch (OperationCanceledException)
{
    return 0; // stopped during the start, as while waiting for a cluster's silos
}
catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    return Fail($"{e.Message.TrimEnd('.')}. Stop the program that listens there, or choose another address: --urls http://127.0.0.1:8081");
}
catch (Exception e) when (ListenProblem.IsOne(e))
{
    return ListenProblem.Tell(e);
}
catch (Exception e) when (e is StoreException or SnapshotFormatException or IOException or UnauthorizedAccessException)
{
    return Fail(e.Message);
}
