using BenchmarkDotNet.Running;
using MetaRouter.Benchmarks;

BenchmarkSwitcher.FromAssembly(typeof(Workload).Assembly).Run(args);
