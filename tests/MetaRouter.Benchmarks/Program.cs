using System.Globalization;
using BenchmarkDotNet.Running;
using MetaRouter.Benchmarks;

const string Load = "/proc/loadavg";

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

// gateway RESULTS PACE CIRCUMSTANCES [PAGE]: tells what infra/bench/all.sh measured, on a page of its own when PAGE is given, with the pictures in ../img beside it.
if (args is ["gateway", var results, var pace, var circumstances, .. var written])
{
    var told = new GatewayPage(File.ReadLines(results), pace, circumstances);
    Console.Write(told.Lines());
    if (written is [var path])
    {
        var folder = Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!).FullName;
        var pictures = Directory.CreateDirectory(Path.Combine(folder, "..", "img")).FullName;
        File.WriteAllText(path, told.Markdown("../img"));
        foreach (var figure in told.Figures())
        {
            File.WriteAllText(Path.Combine(pictures, figure.Id + ".svg"), figure.Svg(true));
        }
    }

    return;
}

// grid [PAGE]: how a decision's time depends on models, length and history, and how its parts and those of learning do, about two minutes; written to PAGE when given. Anything else is BenchmarkDotNet's.
if (args is ["grid", .. var page])
{
    var tables = $"{DecisionGrid.Run()}\n## Its parts, and feedback's\n\n{PartsGrid.Run()}";
    Console.Write(tables);
    if (page is [var file])
    {
        File.WriteAllText(file, $"# A decision's time\n\nBy `dotnet run -c Release --project tests/MetaRouter.Benchmarks -- grid {file}`, on a machine with {Environment.ProcessorCount} shared, noisy cores: encode, predict, decide and seal the receipt, on one thread, a different request each time. Every one is timed by itself, the rows take turns of 15 ms. Load average {(File.Exists(Load) ? File.ReadAllText(Load).Split(' ')[0] : "unknown")} at the end.\n\n{tables}");
    }

    return;
}

BenchmarkSwitcher.FromAssembly(typeof(Workload).Assembly).Run(args);
