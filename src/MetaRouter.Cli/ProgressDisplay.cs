using System.Globalization;
using MetaRouter.Evaluation.Protocols;
using Spectre.Console;

namespace MetaRouter.Cli;

/// <summary>Shows the progress of a long command: a bar on a terminal, else a line for every tenth.</summary>
internal static class ProgressDisplay
{
    public static T Run<T>(Terminal terminal, string title, Func<IProgress<ProtocolProgress>, T> work)
    {
        if (!terminal.RichError)
        {
            return work(new Lines(terminal.Error, title));
        }

        return terminal.Messages().Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(context =>
        {
            var task = context.AddTask(Markup.Escape(title), maxValue: 1);
            return work(new Bar(task));
        });
    }

    private sealed class Bar(ProgressTask task) : IProgress<ProtocolProgress>
    {
        public void Report(ProtocolProgress value)
        {
            task.Value = value.Done;
            task.Description = Markup.Escape(value.Label);
        }
    }

    private sealed class Lines(TextWriter error, string title) : IProgress<ProtocolProgress>
    {
        private readonly Lock _gate = new();
        private int _tenths;

        public void Report(ProtocolProgress value)
        {
            lock (_gate)
            {
                if ((int)((value.Done * 10) + 1e-9) is var tenths && tenths > _tenths)
                {
                    _tenths = tenths;
                    error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{title}: {10 * tenths} % ({value.Label})"));
                }
            }
        }
    }
}
