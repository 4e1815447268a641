# A silo of the cluster. From the repository's root: docker build -f infra/docker/silo.Dockerfile -t metarouter-silo .
# Not built where it was written, which had no container engine; its publish command was run there, and what it made was started.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /repository
COPY . .
RUN dotnet publish src/MetaRouter.Silo -c Release -p:UseOrleans=true -o /app

# No shell, no package manager, and not root: user 1654.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
COPY --from=build /app /app
USER 1654
EXPOSE 8081 11111 30000
ENTRYPOINT ["dotnet", "/app/MetaRouter.Silo.dll"]
