using System.CommandLine;
using System.Globalization;
using MetaRouter.Cli.Gateways;
using MetaRouter.Cli.Grading;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Evaluation.Grading;

namespace MetaRouter.Cli.Commands;

/// <summary>
/// <c>metarouter grade --prompts FILE --models M,M --out FILE [--judge M] [--check HOW] [--url URL] [--api-key-env NAME] [--price M=IN,OUT]... [--parallel N]
/// [--max-tokens N] [--max-cost-usd USD] [--keep-answers] [--json]</c>
/// </summary>
internal static class GradeCommand
{
    private const string DefaultUrl = GatewayOptions.DefaultUrl + Version, Version = "/v1";

    private const int MostParallel = 64, TokensWithinALimit = 4096;

    public static Command Create(Terminal terminal)
    {
        var prompts = new Option<string>("--prompts")
        {
            Description = "The requests: JSON lines with a query or OpenAI's messages, or a .csv with a query, and an id, a dataset and a right answer where they are known; an outcome file; or a .txt with one request a line.",
            Required = true,
            HelpName = "FILE",
        };
        var models = new Option<string>("--models") { Description = "The models to ask, separated by commas.", Required = true, HelpName = "MODEL,MODEL" };
        var target = new Option<string>("--out")
        {
            Description = "The outcome file (.jsonl) to write. What it has already is not asked again: the same command goes on where it was broken off.",
            Required = true,
            HelpName = "FILE",
        };
        var judge = new Option<string?>("--judge")
        {
            Description = "The model that grades answers, from 0 to 10; it is shown the right answer where one is known. Needed where none is.",
            HelpName = "MODEL",
        };
        var check = new Option<string?>("--check")
        {
            Description = $"How an answer is compared with the right one, without a judge: {string.Join(", ", AnswerCheck.Names)}. {AnswerCheck.Auto}: a number with the last number of the answer, a single letter with the whole answer, other texts by being in it. Default: {AnswerCheck.Auto}, or not at all with a judge.",
            HelpName = "HOW",
        };
        var url = new Option<string?>("--url") { Description = $"An OpenAI-compatible endpoint. Default: the gateway at ${GatewayOptions.UrlVariable}, else {DefaultUrl}.", HelpName = "URL" };
        var keyFrom = new Option<string?>("--api-key-env")
        {
            Description = $"The environment variable that has its API key. Default: {GatewayOptions.KeyVariable}, but none where --url names an endpoint.",
            HelpName = "NAME",
        };
        var price = new Option<string[]>("--price")
        {
            Description = "A model's US dollars per million prompt and completion tokens, where the endpoint does not tell what an answer cost; may be repeated. Default: the shipped snapshot's.",
            HelpName = "MODEL=IN,OUT",
        };
        var parallel = new Option<int>("--parallel")
        {
            Description = $"How many answers are asked for at a time, 1 to {MostParallel}. What is measured of waiting includes what they wait for each other.",
            DefaultValueFactory = _ => 4,
            HelpName = "N",
        };
        var tokens = new Option<int?>("--max-tokens")
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"The longest answer, and word of a judge. Default: as long as models like, but {TokensWithinALimit} with --max-cost-usd."),
            HelpName = "N",
        };
        var most = new Option<double?>("--max-cost-usd")
        {
            Description = "What this run may spend, judging included: it ends before a call that could cost more.",
            HelpName = "USD",
            CustomParser = argument => NumberOption.Parse(argument),
        };
        var keeps = new Option<bool>("--keep-answers") { Description = "The file has the answers too, and what the judge said of them." };
        var json = new Option<bool>("--json") { Description = "After the text, the result as one line of JSON." };
        var command = new DocumentedCommand(
            "grade", "Asks models your prompts, grades the answers, and writes the outcome file that train, evaluate and 'models add' read.",
            "grade --prompts prompts.jsonl --models my-llama,gpt-4o --judge gpt-4o-mini --out outcomes/own.jsonl",
            "grade --prompts sums.jsonl --models my-llama --check number --out outcomes/sums.jsonl",
            "grade --prompts prompts.txt --models gpt-4o --judge gpt-4o-mini --url https://api.openai.com/v1 --api-key-env OPENAI_API_KEY --max-cost-usd 5 --out own.jsonl")
        {
            prompts, models, target, judge, check, url, keyFrom, price, parallel, tokens, most, keeps, json,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var named = parsed.GetValue(url);
            var variable = parsed.GetValue(keyFrom);
            var key = (variable ?? (named is null ? GatewayOptions.KeyVariable : null)) is { } from ? terminal.Variable(from) : null;
            if (variable is not null && key is null)
            {
                throw new BadInputException($"--api-key-env {variable}: that variable is not set, or is empty.");
            }

            return Task.FromResult(Run(
                terminal,
                new Wanted(
                    parsed.GetRequiredValue(prompts),
                    [.. parsed.GetRequiredValue(models).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct().Select(m => ModelNames.Parse("--models", m))],
                    parsed.GetRequiredValue(target),
                    parsed.GetValue(judge) is { } j ? ModelNames.Parse("--judge", j) : null,
                    parsed.GetValue(check),
                    Prices(parsed.GetValue(price) ?? []),
                    parsed.GetValue(parallel),
                    parsed.GetValue(tokens) ?? (parsed.GetValue(most) is null ? null : TokensWithinALimit),
                    parsed.GetValue(most),
                    parsed.GetValue(keeps),
                    parsed.GetValue(json)),
                GatewayOptions.Address(named ?? (terminal.Variable(GatewayOptions.UrlVariable) is { } gateway ? gateway.TrimEnd('/') + Version : DefaultUrl), DefaultUrl),
                key is null ? null : GatewayOptions.Authorization(key, variable ?? GatewayOptions.KeyVariable),
                cancellationToken));
        });
        return command;
    }

    private sealed record Wanted(
        string Prompts, IReadOnlyList<ModelId> Models, string Target, ModelId? Judge, string? Check, Dictionary<ModelId, ModelProfile> Prices,
        int Parallel, int? MaxTokens, double? MostUsd, bool KeepsAnswers, bool Json);

    private static int Run(Terminal terminal, Wanted wanted, Uri address, System.Net.Http.Headers.AuthenticationHeaderValue? key, CancellationToken cancellationToken)
    {
        Check(wanted);
        var (prompts, bad) = GradingPromptReader.Read(wanted.Prompts);
        if (bad.Skipped is { } skipped)
        {
            terminal.Error.WriteLine($"Warning: {wanted.Prompts}: {skipped}");
        }

        var check = wanted.Check ?? (wanted.Judge is null ? AnswerCheck.Auto : null);
        CheckReferences(prompts, wanted, check);
        if (wanted.Judge is { } own && wanted.Models.Contains(own))
        {
            terminal.Error.WriteLine($"Warning: '{own}' judges its own answers, which judges favour; another judge, or right answers in the prompts and --check, would tell more.");
        }

        using var log = OutcomeLog.Open(wanted.Target);
        var asks = Missing(prompts, wanted, log);
        if (wanted.Judge is { } now && log.Cells.FirstOrDefault(c => c.Judge is { } before && before != now.Value) is { Judge: { } other })
        {
            terminal.Error.WriteLine($"Warning: {wanted.Target} has grades by '{other}', and '{now}' is to grade now: two judges' grades do not compare. Give another --out, or the same judge.");
        }

        var purse = new Purse(wanted.MostUsd ?? double.PositiveInfinity);
        using var endpoint = new ChatEndpoint(address, key, wanted.MaxTokens, wanted.Prices, purse, terminal.Clock);
        var run = new GradingRun(endpoint, wanted.Judge, check, wanted.KeepsAnswers, log);
        if (asks.Count == 0)
        {
            terminal.Error.WriteLine($"{wanted.Target} has all of these answers already.");
        }
        else
        {
            endpoint.LookAsync(cancellationToken).GetAwaiter().GetResult();
            AddShipped(wanted);
            var kept = log.Cells.Count;
            try
            {
                ProgressDisplay.Run(terminal, "grade", progress =>
                {
                    run.RunAsync(asks, wanted.Parallel, progress, cancellationToken).GetAwaiter().GetResult();
                    return true;
                });
            }
            catch (Exception e) when (e is OperationCanceledException or GatewayException or BadInputException && log.Cells.Count > kept)
            {
                terminal.Error.WriteLine($"{Readable.Count(log.Cells.Count - kept, "graded answer")} of this run {(log.Cells.Count - kept == 1 ? "is" : "are")} in {wanted.Target}; the same command goes on from there.");
                throw;
            }
        }

        var summary = new GradeSummary(wanted.Target, prompts, wanted.Models, log.Cells, run, purse, wanted.Prices);
        summary.Warn(terminal, asks.Count, wanted.MostUsd);
        summary.Write(terminal);
        if (wanted.Json)
        {
            terminal.Out.WriteLine(summary.ToJson());
        }

        return ExitCodes.Success;
    }

    private static void Check(Wanted wanted)
    {
        if (wanted.Models.Count == 0)
        {
            throw new BadInputException("--models: name at least one model.");
        }

        if (wanted.Check is { } check && !AnswerCheck.Names.Contains(check))
        {
            throw new BadInputException($"--check '{check}': give one of {string.Join(", ", AnswerCheck.Names)}.");
        }

        if (wanted.Parallel is < 1 or > MostParallel)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--parallel {wanted.Parallel}: give a number from 1 to {MostParallel}."));
        }

        if (wanted.MaxTokens is < 1)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--max-tokens {wanted.MaxTokens}: give a whole number of tokens, 1 or more."));
        }

        if (wanted.MostUsd is { } usd && !(usd > 0 && double.IsFinite(usd)))
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--max-cost-usd {usd}: give US dollars, more than 0."));
        }
    }

    private static void CheckReferences(IReadOnlyList<GradingPrompt> prompts, Wanted wanted, string? check)
    {
        if (wanted.Judge is null && prompts.Where(p => p.References.Count == 0).ToList() is { Count: > 0 } open)
        {
            throw new BadInputException($"{Readable.Count(open.Count, "prompt")} of {prompts.Count} {(open.Count == 1 ? "has" : "have")} no 'answer' to compare with, the first on line {open[0].Line}: name the model that grades with --judge.");
        }

        if (check is not null && prompts.SelectMany(p => p.References.Where(r => !AnswerCheck.Fits(check, r)).Select(r => (p.Line, Reference: r))).FirstOrDefault() is { Reference: { } text } odd)
        {
            throw new BadInputException($"--check {check}: the answer on line {odd.Line} is no number, but '{OneLine.Of(text, 40, "...")}'. {AnswerCheck.Auto} compares such answers as texts.");
        }
    }

    /// <summary>What the file does not have yet, a prompt's models side by side, so that what is cut short is whole rows.</summary>
    private static List<(GradingPrompt, ModelId)> Missing(IReadOnlyList<GradingPrompt> prompts, Wanted wanted, OutcomeLog log)
    {
        var (queries, done) = (log.Cells.GroupBy(c => c.Id).ToDictionary(g => g.Key, g => g.First().Query), log.Cells.Select(c => (c.Query, c.Model)).ToHashSet());
        return prompts.FirstOrDefault(p => queries.TryGetValue(p.Id, out var query) && query != p.Query) is { } changed
            ? throw new BadInputException($"{wanted.Target}: the prompt of line {changed.Line}, '{OneLine.Of(changed.Id, 40, "...")}', had another text when it was graded there. Give it another id, or another --out.")
            : [.. prompts.SelectMany(p => wanted.Models.Where(m => !done.Contains((p.Query, m))).Select(m => (p, m)))];
    }

    /// <summary>The shipped snapshot's prices, where nothing else is known.</summary>
    private static void AddShipped(Wanted wanted)
    {
        foreach (var model in Snapshot.Default.Models.Where(m => !PriceFit.IsNominal(m)))
        {
            wanted.Prices.TryAdd(model.Id, model);
        }

        if (wanted.MostUsd is { } usd && wanted.Models.Append(wanted.Judge ?? wanted.Models[0]).Where(m => !wanted.Prices.ContainsKey(m)).Distinct().ToList() is { Count: > 0 } unknown)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--max-cost-usd {usd}: no price is known of {string.Join(", ", unknown)}, so nothing could be held to it. Give US dollars per million tokens: {string.Join(' ', unknown.Select(m => $"--price {ShellWord.Of(m.Value)}=IN,OUT"))}."));
        }
    }

    private static Dictionary<ModelId, ModelProfile> Prices(string[] given)
    {
        var prices = new Dictionary<ModelId, ModelProfile>();
        foreach (var one in given)
        {
            var equals = one.LastIndexOf('=');
            double[] usd = [.. (equals < 0 ? "" : one[(equals + 1)..]).Split(',').Select(t => double.TryParse(t, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN)];
            if (equals < 0 || usd.Length != 2 || !usd.All(u => u is >= 0 and <= PricePerMillionTokens.MostUsd))
            {
                throw new BadInputException($"--price '{one}': give a model with its US dollars per million prompt and completion tokens, such as my-llama=0.05,0.08.");
            }

            var model = ModelNames.Parse("--price", one[..equals]);
            prices[model] = new ModelProfile(model, new(usd[0]), new(usd[1]));
        }

        return prices;
    }
}
