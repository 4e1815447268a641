using System.Globalization;
using BenchmarkDotNet.Running;
using MetaRouter.Benchmarks;

// grid [PAGE]: how a decision's time depends on models, length and history, about half a minute; written to PAGE when given. Anything else is BenchmarkDotNet's.
if (args is ["grid", .. var page])
{
    CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
    var tables = DecisionGrid.Run();
    Console.Write(tables);
    if (page is [var file])
    {
        File.WriteAllText(file, $"# A decision's time\n\nBy `dotnet run -c Release --project tests/MetaRouter.Benchmarks -- grid {file}`, on a machine with {Environment.ProcessorCount} shared, noisy cores: encode, predict, decide and seal the receipt, on one thread, a different request each time.\n\n{tables}");
    }

    return;
}

BenchmarkSwitcher.FromAssembly(typeof(Workload).Assembly).Run(args);
