namespace MetaRouter.Gateway.Http;

/// <summary>Some paths of the API, and who answers them.</summary>
internal interface IEndpoints
{
    void Map(IEndpointRouteBuilder routes);
}
