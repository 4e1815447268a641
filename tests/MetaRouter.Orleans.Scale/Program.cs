using System.Globalization;
using MetaRouter.Orleans.Scale;

// PAGE [--write]: measures on a real Orleans and a real redis-server, works out what follows for more users than fit on this machine, and prints it as
// docs/scale.md has it; with --write, puts it there. About a minute.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is not ([_] or [_, "--write"]))
{
    Console.Error.WriteLine("Usage: MetaRouter.Orleans.Scale docs/scale.md [--write]");
    return 2;
}

var report = Report.Of(await Measurements.RunAsync());
Console.WriteLine(report);
if (args.Length == 2)
{
    await File.WriteAllTextAsync(args[0], Report.Into(await File.ReadAllTextAsync(args[0]), report));
}

return 0;
