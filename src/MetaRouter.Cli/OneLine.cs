using System.Globalization;
using System.Text;

namespace MetaRouter.Cli;

/// <summary>Text from a data file on one line of a terminal: white space becomes a blank, and nothing in it can move the cursor, or change the colour or direction of what follows.</summary>
internal static class OneLine
{
    /// <param name="characters">What a person counts as characters, the ellipsis included.</param>
    public static string Of(string text, int characters, string ellipsis)
    {
        var (line, count, blank) = (new StringBuilder(), 0, true);
        var elements = StringInfo.GetTextElementEnumerator(text);
        while (elements.MoveNext())
        {
            var element = elements.GetTextElement();
            if (element.All(char.IsWhiteSpace))
            {
                if (blank)
                {
                    continue;
                }

                element = " ";
            }

            blank = element == " ";
            var shown = string.Concat(element.EnumerateRunes().Select(r => IsSafe(r) ? r.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\u{r.Value:x4}")));
            count += element.Length == shown.Length ? 1 : shown.Length;
            if (count > characters)
            {
                var kept = new StringInfo(line.ToString());
                var room = Math.Max(0, characters - ellipsis.Length);
                return (kept.LengthInTextElements > room ? kept.SubstringByTextElements(0, room) : line.ToString()).TrimEnd() + ellipsis;
            }

            line.Append(shown);
        }

        return line.ToString().TrimEnd();
    }

    private static bool IsSafe(Rune rune) => Rune.GetUnicodeCategory(rune)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
