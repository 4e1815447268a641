# The gateway, on a cluster or alone. From the repository's root: docker build -f infra/docker/gateway.Dockerfile -t metarouter-gateway .
# Alone: docker run -p 127.0.0.1:8080:8080 -v metarouter:/data -e ApiKeys__0__Sha256=... -e ApiKeys__0__Tenant=... -e ApiKeys__0__Scopes__0=inference metarouter-gateway
# An appsettings.json is read from the folder it is started in: mount one at /data/appsettings.json, or start it elsewhere (-w). infra/compose and infra/kubernetes do.
# Not built where it was written, which had no container engine; its publish command was run there, and what it made was started.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /repository
COPY . .
# Compiled ahead of time together with the framework: what is left to compile at a start is half of it.
RUN dotnet publish src/MetaRouter.Gateway -c Release -p:UseOrleans=true --self-contained true --use-current-runtime -p:PublishReadyToRun=true -p:PublishReadyToRunComposite=true -o /app
RUN mkdir /data

# No shell, no package manager, and not root: user 1654.
FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
COPY --from=build /app /app
# Where a SQLite store is, unless MetaRouter__Store says otherwise. A volume mounted here is that user's, too; a folder of the machine must be made so.
COPY --from=build --chown=1654:1654 /data /data
WORKDIR /data
ENV ASPNETCORE_HTTP_PORTS=8080
USER 1654
EXPOSE 8080
# An answer under way has 30 s to end (docker stop -t 45).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/app/MetaRouter.Gateway", "health", "http://127.0.0.1:8080"]
ENTRYPOINT ["/app/MetaRouter.Gateway"]
