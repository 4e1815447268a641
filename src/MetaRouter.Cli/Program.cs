using MetaRouter.Cli;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
return await CommandLine.RunAsync(args, Terminal.OfProcess(), stop.Token).ConfigureAwait(false);
