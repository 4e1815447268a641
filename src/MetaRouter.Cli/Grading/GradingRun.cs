using System.Collections.Concurrent;
using MetaRouter.Cli.Gateways;
using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Grading;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Cli.Grading;

/// <summary>Asks models, grades their answers and writes them down, several at a time.</summary>
/// <param name="judge">Null: nobody judges.</param>
/// <param name="check">How an answer is compared where a right one is known; null: the judge grades all.</param>
/// <param name="keepsAnswers">Whether the file has what was said.</param>
internal sealed class GradingRun(ChatEndpoint endpoint, ModelId? judge, string? check, bool keepsAnswers, OutcomeLog log)
{
    private const int MostLeftOutInARow = 10, MostQuoted = 80;

    private int _done, _cut, _leftOutInARow;
    private volatile bool _isOutOfMoney;

    /// <summary>Answers that could not be had or graded.</summary>
    public ConcurrentQueue<(GradingPrompt Prompt, ModelId Model, string Why)> LeftOut { get; } = [];

    /// <summary>Answers that reached the limit of tokens.</summary>
    public int Cut => _cut;

    public bool IsOutOfMoney => _isOutOfMoney;

    public async Task RunAsync(IReadOnlyList<(GradingPrompt Prompt, ModelId Model)> asks, int parallel, IProgress<ProtocolProgress> progress, CancellationToken cancellationToken) =>
        await Parallel.ForEachAsync(asks, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (ask, token) =>
        {
            if (_isOutOfMoney)
            {
                return;
            }

            try
            {
                log.Add(await GradeAsync(ask.Prompt, ask.Model, token).ConfigureAwait(false));
                Volatile.Write(ref _leftOutInARow, 0);
            }
            catch (NoAnswerException e)
            {
                LeftOut.Enqueue((ask.Prompt, ask.Model, e.Message));
                if (Interlocked.Increment(ref _leftOutInARow) >= MostLeftOutInARow)
                {
                    var said = $"{MostLeftOutInARow} answers in a row could not be had or graded, the last to the prompt of line {ask.Prompt.Line}: {e.Message.TrimEnd('.')}.";
                    throw e.IsOutage ? new GatewayException(said, e) : new BadInputException(said, e);
                }
            }
            catch (OutOfMoneyException)
            {
                _isOutOfMoney = true;
                return;
            }

            progress.Report(new ProtocolProgress((double)Interlocked.Increment(ref _done) / asks.Count, $"{ask.Model}, prompt of line {ask.Prompt.Line}"));
        }).ConfigureAwait(false);

    private async Task<GradedCell> GradeAsync(GradingPrompt prompt, ModelId model, CancellationToken cancellationToken)
    {
        var answer = await endpoint.AskAsync(model, prompt.Messages, cancellationToken).ConfigureAwait(false);
        if (answer.IsCut)
        {
            Interlocked.Increment(ref _cut);
            if (string.IsNullOrWhiteSpace(answer.Text))
            {
                throw new NoAnswerException($"'{model}' reached the limit of tokens before it said anything; raise --max-tokens");
            }
        }

        var isCompared = check is not null && prompt.References.Count > 0;
        var (score, verdict) = isCompared ? (AnswerCheck.Passes(check!, answer.Text, prompt.References) ? 1 : 0, null)
            : string.IsNullOrWhiteSpace(answer.Text) ? (0, null)
            : await JudgeAsync(prompt, answer.Text, cancellationToken).ConfigureAwait(false);
        return new GradedCell(prompt.Id, prompt.Dataset, prompt.Query, model, score, answer.CostUsd, answer.InputTokens, answer.OutputTokens, answer.Seconds)
        {
            Judge = isCompared ? null : judge!.Value.Value,
            Answer = keepsAnswers ? answer.Text : null,
            Verdict = keepsAnswers ? verdict : null,
        };
    }

    private async Task<(double Score, string? Verdict)> JudgeAsync(GradingPrompt prompt, string answer, CancellationToken cancellationToken)
    {
        var reply = (await endpoint.AskAsync(judge!.Value, JudgeRubric.Ask(prompt, answer), cancellationToken).ConfigureAwait(false)).Text;
        if (JudgeRubric.Read(reply) is { } score)
        {
            return (score, reply);
        }

        var again = await endpoint.AskAsync(judge.Value, JudgeRubric.AskAgain(prompt, answer, reply), cancellationToken).ConfigureAwait(false);
        return JudgeRubric.Read(again.Text) is { } second
            ? (second, reply + "\n" + again.Text)
            : throw new NoAnswerException(again.IsCut ? "the judge reached the limit of tokens before it gave a grade; raise --max-tokens" : $"the judge's reply has no grade, twice ('{OneLine.Of(again.Text, MostQuoted, "...")}')");
    }
}
