using System.Runtime.InteropServices;
using MetaRouter.Cli;

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
var isRead = true;
var terminal = Terminal.OfProcess();
var pipe = PipeOutput.OfProcess(() =>
{
    isRead = false;
    stop.Cancel();
});
try
{
    var code = await CommandLine.RunAsync(args, terminal with { Out = pipe ?? terminal.Out, IsRead = () => isRead }, stop.Token).ConfigureAwait(false);
    return isRead ? code : ExitCodes.NotRead;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    return ExitCodes.BadInput; // what is wrong cannot be said either: the standard error is closed
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = !stop.IsCancellationRequested; // whoever asks again does not want to wait for it
    stop.Cancel();
}
