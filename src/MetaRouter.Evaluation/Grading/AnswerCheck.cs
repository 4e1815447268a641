using System.Globalization;
using System.Text.RegularExpressions;

namespace MetaRouter.Evaluation.Grading;

/// <summary>Compares an answer with right ones, without a judge. Neither case, white space, nor punctuation and marks of emphasis around a text matter.</summary>
public static class AnswerCheck
{
    /// <summary><see cref="Number"/> for a right answer that is one, <see cref="Exact"/> for a single character (a letter of multiple choice), else <see cref="Contains"/>.</summary>
    public const string Auto = "auto";

    /// <summary>The answer is the right one and nothing else.</summary>
    public const string Exact = "exact";

    /// <summary>The right answer stands in the answer, as whole words.</summary>
    public const string Contains = "contains";

    /// <summary>The last number of the answer is the right one, to six digits: models count their way to it.</summary>
    public const string Number = "number";

    /// <summary>Of the scripts up to here words have blanks around them; of Chinese, Japanese and others after it they have none.</summary>
    private const char LastWithWords = '\u052f';

    private const double Digits = 1e-6;

    private static readonly Regex s_blanks = new(@"\s+", RegexOptions.CultureInvariant);
    private static readonly Regex s_number = new(@"(?<![\w.])-?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase);

    public static IReadOnlyList<string> Names { get; } = [Auto, Exact, Contains, Number];

    /// <summary>Whether an answer could pass at all.</summary>
    public static bool Fits(string check, string reference) => check != Number || Whole(reference) is not null;

    /// <param name="references">Right answers, any of which will do.</param>
    public static bool Passes(string check, string answer, IReadOnlyList<string> references)
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(references);
        return references.Any(reference => Passes(check == Auto ? For(reference) : check, answer, reference));
    }

    private static string For(string reference) => Whole(reference) is not null ? Number : Bare(reference).Length == 1 ? Exact : Contains;

    private static bool Passes(string check, string answer, string reference) => check switch
    {
        Exact => Bare(answer) == Bare(reference),
        Contains => HasWords(Plain(answer), Bare(reference)),
        Number => Whole(reference) is { } right && Last(answer) is { } last && Math.Abs(last - right) <= Digits * Math.Max(1, Math.Abs(right)),
        _ => throw new ArgumentException($"There is no check '{check}'.", nameof(check)),
    };

    private static string Plain(string text) => s_blanks.Replace(text, " ").Trim().ToLowerInvariant();

    /// <summary>Without what stands around it: "**Paris.**" is "paris". A text of such characters alone stays as it is.</summary>
    private static string Bare(string text)
    {
        var plain = Plain(text);
        var bare = plain.Trim([.. "*_`'\"“”‘’.,:;!?()[]{}$ "]);
        return bare.Length > 0 ? bare : plain;
    }

    private static bool HasWords(string text, string words)
    {
        for (var at = text.IndexOf(words, StringComparison.Ordinal); at >= 0; at = text.IndexOf(words, at + 1, StringComparison.Ordinal))
        {
            var end = at + words.Length;
            if (!(at > 0 && IsOfWord(text[at - 1]) && IsOfWord(words[0])) && !(end < text.Length && IsOfWord(text[end]) && IsOfWord(words[^1])))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOfWord(char c) => c <= LastWithWords && char.IsLetterOrDigit(c);

    /// <summary>The number that a right answer is; null: it is another text.</summary>
    private static double? Whole(string reference) =>
        Signed(Plain(reference)).Trim('*', '$', '€', '£', '%', ' ').TrimEnd('.').TrimStart('+') is var figure && s_number.Match(figure) is { Success: true } match && match.Length == figure.Length ? Value(match) : null;

    private static double? Last(string answer) => s_number.Matches(Signed(answer)) is { Count: > 0 } all ? Value(all[^1]) : null;

    /// <summary>The typographer's minus is one too.</summary>
    private static string Signed(string text) => text.Replace('−', '-');

    private static double Value(Match number) => double.Parse(number.ValueSpan, NumberStyles.Float | NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
}
