# A silo of the cluster. From the repository's root: docker build -f infra/docker/silo.Dockerfile -t metarouter-silo .
# The settings that ship with it have the address 127.0.0.1, for silos of one machine: set MetaRouter__Cluster__Address, or mount an appsettings.json without it at the folder it is started in.
# Not built where it was written, which had no container engine; its publish command was run there, and what it made was started.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /repository
COPY . .
RUN dotnet publish src/MetaRouter.Silo -c Release -p:UseOrleans=true -o /app

# No shell, no package manager, and not root: user 1654. It writes nothing.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
COPY --from=build /app /app
# The base image says 8080.
ENV ASPNETCORE_HTTP_PORTS=8081
USER 1654
EXPOSE 8081 11111 30000
# A drain has 30 s (docker stop -t 45).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["dotnet", "/app/MetaRouter.Silo.dll", "health", "http://127.0.0.1:8081"]
ENTRYPOINT ["dotnet", "/app/MetaRouter.Silo.dll"]
