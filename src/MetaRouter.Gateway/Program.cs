using MetaRouter.Gateway;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting.Settings;
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
catch (Exception e) when (StartFailure.Of(e, otherUrl: "http://127.0.0.1:8081") is { } failure)
{
    return failure.Report();
}
