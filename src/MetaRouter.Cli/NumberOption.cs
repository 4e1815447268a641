using System.CommandLine.Parsing;
using System.Globalization;

namespace MetaRouter.Cli;

/// <summary>The number of an option, with a decimal point. The parser itself ignores commas, so that 2,5 would be 25.</summary>
internal static class NumberOption
{
    public static double Parse(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            argument.AddError(
                $"Cannot parse argument '{text}' for option '{(argument.Parent as OptionResult)?.Option.Name}': "
                    + $"give a number{(text.Contains(',', StringComparison.Ordinal) ? " with a decimal point" : "")}.");
        }

        return number;
    }
}
