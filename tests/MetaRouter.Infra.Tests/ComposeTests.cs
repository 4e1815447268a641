using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace MetaRouter.Infra.Tests;

/// <summary>The Compose file against the code it runs, the images and the files beside it. No container engine is needed, and none has seen it.</summary>
public partial class ComposeTests
{
    private const string Folder = "infra/compose";
    private static readonly YamlNode Compose = Document($"{Folder}/compose.yaml");
    private static readonly Dictionary<string, YamlNode> Services = Compose.Pairs("services").ToDictionary(p => p.Key, p => p.Value);
    private static readonly string Readme = Repository.Read("infra", "compose", "README.md");
    private static readonly string Settings = Repository.Read("infra", "compose", "appsettings.json");

    public static TheoryData<string> Names => [.. Services.Keys];

    /// <summary>Those built here, from chiseled images.</summary>
    public static TheoryData<string> OurNames => [.. Services.Where(s => s.Value.At("build") is not null).Select(s => s.Key)];

    [Fact]
    public void File_Forms_AreTheGatewaysOnRedisAndTheCluster()
    {
        InProfile("replicas").ShouldBe(["redis", "gateway"], ignoreOrder: true);
        InProfile("cluster").ShouldBe(["redis", "silo", "cluster-gateway"], ignoreOrder: true);
        InProfile("telemetry").ShouldBe(["redis", "collector", "prometheus", "grafana"], ignoreOrder: true);
        Services["silo"].Text("deploy.replicas").ShouldBe("2");
        Services["gateway"].Text("deploy.replicas").ShouldBe("2");
        Compose.At("version").ShouldBeNull("Compose warns of it and reads it no more");
        foreach (var profile in (string[])["replicas", "cluster", "telemetry"])
        {
            Readme.ShouldContain($"--profile {profile}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void References_OfServices_AreDeclared(string name)
    {
        var service = Services[name];
        foreach (var (kind, named) in new[]
        {
            ("configs", service.List("configs").Select(c => c.Text("source"))),
            ("secrets", service.List("secrets").Select(c => c.ToString())),
            ("networks", service.List("networks").Select(c => c.ToString())),
            ("volumes", service.List("volumes").Select(c => c.ToString().Split(':')[0])),
        })
        {
            named.ShouldAllBe(n => Compose.Pairs(kind).Any(p => p.Key == n), $"{name}: {kind}");
        }

        service.List("networks").ShouldNotBeEmpty($"{name} would be on a network of its own");
        var profiles = service.List("profiles").Select(p => p.ToString()).ToArray();
        foreach (var (needed, how) in service.Pairs("depends_on"))
        {
            how.Text("condition").ShouldBe("service_healthy");
            Services[needed].List("healthcheck.test").ShouldNotBeEmpty($"{needed} never becomes healthy, and {name} waits for it");
            Services[needed].List("profiles").Select(p => p.ToString()).ShouldBeSubsetOf(profiles, $"{name} needs {needed}, which is not started with it");
        }
    }

    [Fact]
    public void Files_Mounted_AreThereOrMadeAsTheReadmeSays()
    {
        foreach (var (name, config) in Compose.Pairs("configs"))
        {
            File.Exists(Path.Combine(Repository.Root, Folder, config.Text("file"))).ShouldBeTrue($"{name}: {config.Text("file")}");
        }

        foreach (var (_, secret) in Compose.Pairs("secrets"))
        {
            Readme.ShouldContain($"> {secret.Text("file")[2..]}\n");
        }

        Repository.Read(".gitignore").ShouldContain($"/{Folder}/secrets/\n");
        Repository.Read(".dockerignore").ShouldContain($"{Folder}/secrets\n");
    }

    [Theory]
    [MemberData(nameof(OurNames))]
    public void Environment_Names_AreSettingsOfTheCode(string name)
    {
        foreach (var (variable, _) in Services[name].Pairs("environment"))
        {
            SettingNames.VariableShouldBeRead(variable, Settings);
        }
    }

    [Fact]
    public void Settings_Keys_AreSettingsOfTheCode()
    {
        SettingNames.FileShouldBeRead(Settings);
        Settings.ShouldNotContain("\"Address\"", customMessage: "a container's own address is not known beforehand");
    }

    [Fact]
    public void Secrets_None_IsInTheFiles()
    {
        foreach (var (name, service) in Services)
        {
            foreach (var (variable, value) in service.Pairs("environment").Where(v => SecretName().IsMatch(v.Key)))
            {
                var isFile = variable.EndsWith("__FILE", StringComparison.Ordinal) && value.ToString().StartsWith("/run/secrets/", StringComparison.Ordinal);
                (isFile || value.ToString().StartsWith("${", StringComparison.Ordinal)).ShouldBeTrue($"{name}: {variable}");
            }

            service.Pairs("environment").ShouldAllBe(v => !v.Value.ToString().Contains("password=", StringComparison.Ordinal));
        }

        Settings.ShouldNotContain("\"ApiKey\"");
        Settings.ShouldNotContain("Sha256");
        foreach (var needed in Required().Matches(File.ReadAllText(Path.Combine(Repository.Root, Folder, "compose.yaml"))).Select(m => m.Groups[1].Value))
        {
            Readme.ShouldContain($"\n{needed}=", customMessage: $"the README's .env lacks {needed}");
        }
    }

    /// <summary>In a chiseled image there is no shell and no curl: only the program itself can ask.</summary>
    [Theory]
    [MemberData(nameof(OurNames))]
    public void HealthCheck_OfOurs_IsTheProgramsOwnAtThePortItIsTold(string name)
    {
        var service = Services[name];
        var test = service.List("healthcheck.test").Select(t => t.ToString()).ToArray();
        var dockerfile = Dockerfile(name);
        dockerfile.ShouldContain($" CMD [{string.Join(", ", test.Skip(1).Select(t => $"\"{t}\""))}]\n", customMessage: "the image's own check is another");
        dockerfile.ShouldContain($"ENTRYPOINT [{string.Join(", ", test.Skip(1).TakeWhile(t => t != "health").Select(t => $"\"{t}\""))}]");
        test[0].ShouldBe("CMD");
        test[^1].ShouldBe($"http://127.0.0.1:{service.Text("environment.ASPNETCORE_HTTP_PORTS")}");
        var command = Repository.Read("src", "MetaRouter.Hosting", "Settings", "HealthCommand.cs");
        command.ShouldContain($"Name = \"{test[^2]}\"");
        var path = Regex.Match(command, "new Uri\\(url, \"(.*)\"\\)").Groups[1].Value;
        Repository.Code("src/MetaRouter.Gateway", "aspire/MetaRouter.ServiceDefaults").ShouldContain($"\"{path}\"");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Ports_ArePublishedOnThisMachineAlone_AndAreThoseTheProgramsListenOn(string name)
    {
        var service = Services[name];
        foreach (var port in service.List("ports").Select(p => p.ToString()))
        {
            port.ShouldStartWith("127.0.0.1:");
            service.List("networks").Select(n => n.ToString()).ShouldContain("outer", "nothing is published of a network without a way out");
            if (service.Text("environment.ASPNETCORE_HTTP_PORTS") is { Length: > 0 } told)
            {
                port.Split(':')[^1].ShouldBe(told);
            }
        }

        if (service.At("build") is not null)
        {
            Dockerfile(name).ShouldContain($"EXPOSE {service.Text("environment.ASPNETCORE_HTTP_PORTS")}");
            Dockerfile(name).ShouldContain($"ENV ASPNETCORE_HTTP_PORTS={service.Text("environment.ASPNETCORE_HTTP_PORTS")}\n");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Services_RunWithTheLeastRightsAndEndCleanly(string name)
    {
        var service = Services[name];
        service.Text("read_only").ShouldBe("true");
        service.List("cap_drop").Select(c => c.ToString()).ShouldBe(["ALL"]);
        service.List("security_opt").Select(c => c.ToString()).ShouldBe(["no-new-privileges:true"]);
        service.Text("restart").ShouldBe("unless-stopped");
        service.Text("logging.options.max-size").ShouldNotBeEmpty("a log without an end fills the disk");
        if (service.At("build") is null)
        {
            service.Text("image").ShouldMatch(@":v?[0-9][^/]*$", "an image without a version is another one tomorrow");
        }
        else
        {
            int.Parse(service.Text("stop_grace_period").TrimEnd('s')).ShouldBeGreaterThan(35, "the host has 30 s for what is under way");
        }
    }

    /// <summary>What a picky operator looks for.</summary>
    [Theory]
    [InlineData("gateway")]
    [InlineData("silo")]
    public void Image_IsNotRootHasNoShellAndEndsBySigterm(string name)
    {
        var last = Dockerfile(name)[Dockerfile(name).LastIndexOf("\nFROM ", StringComparison.Ordinal)..];
        last.ShouldContain("-chiseled\n");
        last.ShouldContain("\nUSER 1654\n");
        last.ShouldContain("\nSTOPSIGNAL SIGTERM\n");
        last.ShouldNotContain("\nRUN ", customMessage: "the image has no shell to run it");
        var folder = Regex.Match(last, @"\nWORKDIR (\S+)\n").Groups[1].Value;
        if (folder.Length > 0)
        {
            last.ShouldContain($"--chown=1654:1654 {folder} {folder}\n", customMessage: $"the store is in {folder}, where the user could not write");
        }
    }

    [Fact]
    public void Prometheus_ScrapesServicesWithAKeyItHas_AndLoadsTheAlerts()
    {
        var prometheus = Document($"{Folder}/prometheus.yaml");
        var mounts = Services["prometheus"].List("configs").ToDictionary(c => c.Text("target"), c => c.Text("source"));
        prometheus.List("rule_files").ShouldAllBe(f => mounts.ContainsKey($"/etc/prometheus/{f}"));
        mounts.Values.Select(source => Compose.Text($"configs.{source}.file")).ShouldContain("../prometheus/alerts.yaml");
        var jobs = prometheus.List("scrape_configs").ToDictionary(j => j.Text("job_name"));
        var names = jobs["metarouter"].List("dns_sd_configs").Single();
        names.List("names").Select(n => n.ToString()).ShouldBe(Services.Where(s => s.Value.Text("image") == "metarouter-gateway").Select(s => s.Key), ignoreOrder: true);
        names.Text("port").ShouldBe(Services["gateway"].Text("environment.ASPNETCORE_HTTP_PORTS"));
        var key = jobs["metarouter"].Text("authorization.credentials_file");
        Services["prometheus"].List("secrets").Select(s => $"/run/secrets/{s}").ShouldContain(key);
        Settings.ShouldContain("\"metrics\"");

        var collector = Document($"{Folder}/collector.yaml");
        var scraped = jobs["silos"].List("static_configs").Single().List("targets").Single().ToString().Split(':');
        Services.ShouldContainKey(scraped[0]);
        collector.Text("exporters.prometheus.endpoint").ShouldEndWith($":{scraped[1]}");
        Readme.ShouldContain($"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:{collector.Text("receivers.otlp.protocols.grpc.endpoint").Split(':')[^1]}'");
    }

    [Fact]
    public void Collector_Pipelines_AreOfWhatItHas()
    {
        var collector = Document($"{Folder}/collector.yaml");
        foreach (var (name, pipeline) in collector.Pairs("service.pipelines"))
        {
            foreach (var kind in (string[])["receivers", "processors", "exporters"])
            {
                pipeline.List(kind).ShouldAllBe(c => collector.Pairs(kind).Any(p => p.Key == c.ToString()), $"{name}: {kind}");
            }
        }

        var gateway = Services["gateway"].Text("environment.OTEL_SERVICE_NAME");
        collector.At("processors.filter/scraped")!.List("metrics.metric").Single().ToString().ShouldContain($"== \"{gateway}\"");
    }

    [Fact]
    public void Grafana_Provisioning_NamesWhatIsMounted()
    {
        var targets = Services["grafana"].List("configs").Select(c => c.Text("target")).ToArray();
        var folder = Document($"{Folder}/grafana/dashboards.yaml").List("providers").Single().Text("options.path");
        targets.ShouldContain($"{folder}/metarouter.json");
        Services["grafana"].Text("environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH").ShouldBe($"{folder}/metarouter.json");
        Compose.Text("configs.grafana-dashboard.file").ShouldBe("../grafana/metarouter.json");
        var source = Document($"{Folder}/grafana/sources.yaml").List("datasources").Single();
        source.Text("type").ShouldBe("prometheus");
        Services["prometheus"].List("ports").Single().ToString().ShouldEndWith($":{new Uri(source.Text("url")).Port}");
        new Uri(source.Text("url")).Host.ShouldBe("prometheus");
    }

    [Fact]
    public void Redis_KeepsWhatIsAcknowledged()
    {
        var lines = Repository.Read("infra", "compose", "redis.conf").Split('\n');
        lines.ShouldContain("appendonly yes");
        lines.ShouldContain("appendfsync always");
        lines.ShouldContain("maxmemory-policy noeviction");
        Services["redis"].List("volumes").Single().ToString().ShouldBe($"redis:{lines.Single(l => l.StartsWith("dir ", StringComparison.Ordinal))[4..]}");
    }

    private static IEnumerable<string> InProfile(string profile) =>
        Services.Where(s => s.Value.List("profiles") is var profiles && (profiles.Count == 0 || profiles.Any(p => p.ToString() == profile))).Select(s => s.Key);

    private static string Dockerfile(string service) =>
        Repository.Read(Services[service].Text("build.dockerfile") is { Length: > 0 } file ? file : $"infra/docker/{service}.Dockerfile");

    private static YamlNode Document(string file) => Yaml.Documents(Path.Combine(Repository.Root, file)).Single();

    [GeneratedRegex("KEY|PASSWORD|SECRET|TOKEN|Sha256")]
    private static partial Regex SecretName();

    [GeneratedRegex(@"\$\{(\w+):\?")]
    private static partial Regex Required();
}
