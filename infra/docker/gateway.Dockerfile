# The gateway, on a cluster or alone. From the repository's root: docker build -f infra/docker/gateway.Dockerfile -t metarouter-gateway .
# Alone it needs an API key (ApiKeys__0__Sha256, ApiKeys__0__Tenant, ApiKeys__0__Scopes__0) and a store: MetaRouter__Store=redis:HOST:PORT, or a folder that user 1654 may write, -v FOLDER:/data -w /data.
# Not built where it was written, which had no container engine; its publish command was run there, and what it made was started.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /repository
COPY . .
# Compiled ahead of time together with the framework: what is left to compile at a start is half of it.
RUN dotnet publish src/MetaRouter.Gateway -c Release -p:UseOrleans=true --self-contained true --use-current-runtime -p:PublishReadyToRun=true -p:PublishReadyToRunComposite=true -o /app

# No shell, no package manager, and not root: user 1654.
FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
COPY --from=build /app /app
USER 1654
EXPOSE 8080
ENTRYPOINT ["/app/MetaRouter.Gateway"]
