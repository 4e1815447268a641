var builder = DistributedApplication.CreateBuilder(args);

var redis = builder.AddRedis("redis").WithDataVolume().WithPersistence(TimeSpan.FromSeconds(10));

var gateway = builder.AddProject<Projects.MetaRouter_Gateway>("gateway", launchProfileName: null).WithHttpEndpoint(port: 8080)
    .WithEnvironment("MetaRouter__Store", ReferenceExpression.Create($"cluster:{redis.Resource.ConnectionStringExpression}"))
    .WithHttpHealthCheck("/health");

foreach (var name in new[] { "silo1", "silo2" })
{
    var silo = builder.AddProject<Projects.MetaRouter_Silo>(name, launchProfileName: null).WithHttpEndpoint()
        .WithEnvironment("MetaRouter__Cluster__Redis", redis)
        .WithEnvironment("MetaRouter__Cluster__Address", "127.0.0.1")
        .WithEndpoint(name: "silo", scheme: "tcp", env: "MetaRouter__Cluster__SiloPort")
        .WithEndpoint(name: "clients", scheme: "tcp", env: "MetaRouter__Cluster__GatewayPort")
        .WithHttpHealthCheck("/health")
        .WaitFor(redis);
    gateway.WaitFor(silo);
}

builder.Build().Run();
