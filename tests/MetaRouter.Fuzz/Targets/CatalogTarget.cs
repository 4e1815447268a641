using MetaRouter.Cli;
using MetaRouter.Cli.Catalogs;
using MetaRouter.Core.Catalog;
using MetaRouter.Hosting;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// Price lists in LiteLLM's format and catalogs as the API takes them. A list is refused with a reason, or gives models of which a catalog can be made that writes
/// and reads to itself.
/// </summary>
internal sealed class CatalogTarget : FuzzTarget
{
    private const byte List = (byte)'L', Document = (byte)'C';

    private readonly Mutator _lists = new(
        ["""{"sample_spec":{"mode":"one of chat, embedding","max_tokens":"deprecated"},"gpt-x":{"max_tokens":4096,"max_input_tokens":128000,"input_cost_per_token":2.5e-06,"output_cost_per_token":1e-05,"cache_read_input_token_cost":1.25e-06,"mode":"chat","supports_function_calling":true,"supports_vision":true},"emb":{"mode":"embedding","input_cost_per_token":1e-07,"output_cost_per_token":0.0}}"""u8.ToArray(),
         """{ /* a comment */ "a/b:c":{"mode":"chat","input_cost_per_token":0,"output_cost_per_token":0,"max_tokens":1.5,"supports_response_schema":false}, "a/b:c":{"mode":"chat"}, "free":{"mode":"chat","input_cost_per_token":1e-9,"output_cost_per_token":3e-9,"max_input_tokens":2147483647}, }"""u8.ToArray()],
        isText: true, "\"mode\":\"chat\"", "\"input_cost_per_token\":", "\"output_cost_per_token\":", "\"max_input_tokens\":", "\"sample_spec\":", "/*", "*/", "//", ",", "{}", "null", "true");

    private readonly Mutator _documents = new(
        ["""{"models":[{"id":"small","input_price_usd_per_million":0.15,"output_price_usd_per_million":0.6,"cached_input_price_usd_per_million":0.07,"cache_write_price_usd_per_million":0.2,"context_window":128000,"capabilities":["tools","vision"],"latency_seconds":0.8,"output_scale":7.5},{"id":"large","input_price_usd_per_million":2.5,"output_price_usd_per_million":10,"sibling":"small","enabled":false}]}"""u8.ToArray(),
         """{"models":[{"id":"one","capabilities":["none"]},{"id":"two","enabled":true,"context_window":1000000}]}"""u8.ToArray()],
        isText: true, "\"id\":\"small\"", "\"models\":", "\"sibling\":\"small\"", "\"capabilities\":[\"streaming\"]", "\"enabled\":false", "\"context_window\":", "null", "[]", "{}", "\"latency_seconds\":");

    public CatalogTarget()
        : base("catalogs", 1 << 16)
    {
    }

    public override string Reads => "`metarouter catalog`'s price list, `PUT /v1/router/models`";

    public override void Draw(Chance chance)
    {
        var kind = chance.OneIn(2) ? List : Document;
        (kind == List ? _lists : _documents).Draw(chance, Input);
        Input.Replace(0, 0, [kind]);
    }

    public override bool Run()
    {
        ModelCatalog catalog;
        try
        {
            if (Input.Bytes[0] == Document)
            {
                catalog = CatalogJson.Read(Input.Bytes[1..]);
            }
            else
            {
                var (models, skipped) = LiteLlmPrices.Read(Input.Memory[1..], _ => true);
                Promise(skipped.All(s => s.Reason.Length > 0), "Skipped without a reason.");
                if (models.Count == 0)
                {
                    return false;
                }

                catalog = new ModelCatalog([.. models.Take(ModelCatalog.MaxModels)]);
            }
        }
        catch (Exception e) when (e is BadInputException || (Input.Bytes[0] == Document && e is ArgumentException))
        {
            Promise(e.Message.Length > 20, "A refusal without a reason.");
            return false;
        }

        Promise(CatalogJson.Read(CatalogJson.Write(catalog)).Version == catalog.Version, "Writing and reading changes a catalog.");
        return true;
    }
}
