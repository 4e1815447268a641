using MetaRouter.Core.Catalog;

namespace MetaRouter.Cli;

/// <summary>A model named on the command line.</summary>
internal static class ModelNames
{
    /// <exception cref="BadInputException">No model can have that name; the message names the option.</exception>
    public static ModelId Parse(string option, string name)
    {
        try
        {
            return new ModelId(name);
        }
        catch (ArgumentException e)
        {
            throw new BadInputException($"{option} '{name}': {e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal)}", e);
        }
    }
}
