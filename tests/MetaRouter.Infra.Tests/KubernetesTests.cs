using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace MetaRouter.Infra.Tests;

/// <summary>The manifests against the code they run and against each other. No cluster is needed, and none has seen them.</summary>
public partial class KubernetesTests
{
    private static readonly string[] Probes = ["startupProbe", "livenessProbe", "readinessProbe"];
    private static readonly YamlNode[] Documents = [.. Repository.Files("infra/kubernetes", "*.yaml").SelectMany(Yaml.Documents)];
    private static readonly YamlNode[] Workloads = [.. Documents.Where(d => d.Text("kind") is "Deployment" or "StatefulSet")];
    private static readonly YamlNode[] Ours = [.. Workloads.Where(d => d.Text("kind") == "Deployment")];

    /// <summary>Where a program's code is.</summary>
    private static readonly Dictionary<string, string[]> Code = new()
    {
        ["metarouter-silo"] = ["src/MetaRouter.Silo", "src/MetaRouter.Orleans", "aspire/MetaRouter.ServiceDefaults"],
        ["metarouter-gateway"] = ["src/MetaRouter.Gateway"],
    };

    public static TheoryData<string> WorkloadNames => [.. Workloads.Select(Name)];

    public static TheoryData<string> OurNames => [.. Ours.Select(Name)];

    [Fact]
    public void Manifests_All_NameWhatTheyAre()
    {
        Ours.Select(Name).ShouldBe(Code.Keys, ignoreOrder: true);
        Documents.ShouldAllBe(d => d.Text("apiVersion").Length > 0 && d.Text("kind").Length > 0 && Name(d).Length > 0);
        Documents.Select(d => (d.Text("kind"), Name(d))).ShouldBeUnique();
    }

    [Theory]
    [MemberData(nameof(OurNames))]
    public void Probes_Paths_AreMappedInTheCode(string workload)
    {
        var code = Repository.Code(Code[workload]);
        var probes = Probes.Select(p => (Probe: p, Path: Container(workload).Text($"{p}.httpGet.path"), Port: Container(workload).Text($"{p}.httpGet.port"))).ToArray();
        probes.ShouldAllBe(p => code.Contains($"\"{p.Path}\"", StringComparison.Ordinal) && p.Port == "http");
        probes.Single(p => p.Probe == "readinessProbe").Path.ShouldBe("/health");
        probes.Where(p => p.Probe != "readinessProbe").ShouldAllBe(p => p.Path == "/alive", "a program that is alive and not ready must not be killed for it");
    }

    [Theory]
    [MemberData(nameof(OurNames))]
    public void Environment_Names_AreSettingsOfTheCode(string workload)
    {
        var environment = Container(workload).List("env");
        var used = string.Join('\n', environment.Select(e => e.Text("value"))) + Settings();
        foreach (var name in environment.Select(e => e.Text("name")))
        {
            SettingNames.VariableShouldBeRead(name, used);
        }
    }

    [Fact]
    public void Settings_Keys_AreSettingsOfTheCode() => SettingNames.FileShouldBeRead(Settings());

    [Theory]
    [MemberData(nameof(OurNames))]
    public void Ports_OfContainers_AreThoseTheProgramIsTold(string workload)
    {
        var container = Container(workload);
        var told = container.List("env").Where(e => e.Text("name") is { } n && (n.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || n.EndsWith("Port", StringComparison.Ordinal)))
            .Select(e => LastNumber().Match(e.Text("value")).Value);
        container.List("ports").Select(p => p.Text("containerPort")).ShouldBe(told, ignoreOrder: true);
    }

    [Fact]
    public void Silo_IsGivenLonger_ThanItsDrainTakes()
    {
        var drain = int.Parse(Drain().Match(Repository.Code("src/MetaRouter.Orleans")).Groups[1].Value);
        int.Parse(Pod("metarouter-silo").Text("terminationGracePeriodSeconds")).ShouldBeGreaterThan(drain + 5);
    }

    [Theory]
    [MemberData(nameof(OurNames))]
    public void Rollout_NeverTakesOneAway_BeforeItsReplacementIsReady(string workload)
    {
        var spec = Workload(workload).At("spec");
        spec.Text("strategy.rollingUpdate.maxUnavailable").ShouldBe("0");
        int.Parse(spec.Text("replicas")).ShouldBeGreaterThan(1);
        Pod(workload).List("topologySpreadConstraints").Select(t => t.Text("topologyKey")).ShouldContain("kubernetes.io/hostname");
        Documents.Count(d => d.Text("kind") == "PodDisruptionBudget" && d.Text("spec.selector.matchLabels.app") == workload && d.Text("spec.maxUnavailable") == "1").ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(WorkloadNames))]
    public void Pods_RunWithTheLeastRights(string workload)
    {
        Pod(workload).Text("securityContext.runAsNonRoot").ShouldBe("true");
        Pod(workload).Text("securityContext.seccompProfile.type").ShouldBe("RuntimeDefault");
        Pod(workload).Text("automountServiceAccountToken").ShouldBe("false");
        var container = Container(workload);
        container.Text("securityContext.readOnlyRootFilesystem").ShouldBe("true");
        container.Text("securityContext.allowPrivilegeEscalation").ShouldBe("false");
        container.List("securityContext.capabilities.drop").Select(c => c.ToString()).ShouldBe(["ALL"]);
        container.Text("resources.requests.memory").ShouldBe(container.Text("resources.limits.memory"), "a pod that is promised less than it may use is the first to be killed");
        container.Text("image").ShouldMatch(@":[0-9][^/]*$", "an image without a version is another one tomorrow");
    }

    [Theory]
    [MemberData(nameof(WorkloadNames))]
    public void References_OfPods_AreThere(string workload)
    {
        var pod = Pod(workload);
        Workload(workload).Text("spec.selector.matchLabels.app").ShouldBe(Workload(workload).Text("spec.template.metadata.labels.app"));
        var readme = Repository.Read("infra", "kubernetes", "README.md");
        foreach (var secret in pod.Under("secretKeyRef"))
        {
            readme.ShouldContain($"create secret generic {secret.Text("name")} ");
            readme.ShouldContain($"--from-literal={secret.Text("key")}=");
        }

        foreach (var map in pod.Under("configMapKeyRef"))
        {
            ConfigMap(map.Text("name")).At($"data.{map.Text("key")}").ShouldNotBeNull($"{workload}: {map}");
        }

        var volumes = pod.List("volumes").Concat(Workload(workload).List("spec.volumeClaimTemplates").Select(c => c.At("metadata")!)).Select(v => v.Text("name")).ToArray();
        Container(workload).List("volumeMounts").Select(m => m.Text("name")).ShouldBe(volumes, ignoreOrder: true);
        pod.List("volumes").Select(v => v.Text("configMap.name")).Where(n => n.Length > 0).ShouldAllBe(n => ConfigMap(n) != null);
    }

    [Fact]
    public void NetworkPolicies_Ports_AreThoseOfThePodsTheyNameAndEveryPodHasOne()
    {
        var policies = Documents.Where(d => d.Text("kind") == "NetworkPolicy").ToArray();
        policies.Select(App).ShouldBe(Workloads.Select(Name), ignoreOrder: true);
        foreach (var policy in policies)
        {
            foreach (var port in policy.List("spec.ingress").SelectMany(rule => rule.List("ports")).Select(p => p.Text("port")))
            {
                Container(App(policy)).List("ports").Select(p => p.Text("name")).ShouldContain(port);
            }

            foreach (var rule in policy.List("spec.egress").Where(r => r.List("to").Any(t => t.Text("podSelector.matchLabels.app").Length > 0)))
            {
                var target = rule.List("to").Single().Text("podSelector.matchLabels.app");
                Container(target).List("ports").Select(p => p.Text("containerPort")).ShouldContain(rule.List("ports").Single().Text("port"), $"{Name(policy)} -> {target}");
            }
        }

        static string App(YamlNode policy) => policy.Text("spec.podSelector.matchLabels.app");
    }

    [Theory]
    [MemberData(nameof(OurNames))]
    public void Image_OfEachProgram_IsBuiltFromItsProject(string workload)
    {
        var file = Repository.Read("infra", "docker", $"{workload["metarouter-".Length..]}.Dockerfile");
        var project = Publish().Match(file).Groups[1].Value;
        File.Exists(Path.Combine(Repository.Root, project, $"{Path.GetFileName(project)}.csproj")).ShouldBeTrue(project);
        // A program that brings the framework along is started itself, on an image without one.
        var (runtime, start) = file.Contains("--self-contained true", StringComparison.Ordinal)
            ? ("runtime-deps", $"\"/app/{Path.GetFileName(project)}\"")
            : ("aspnet", $"\"dotnet\", \"/app/{Path.GetFileName(project)}.dll\"");
        file.ShouldContain($"FROM mcr.microsoft.com/dotnet/{runtime}:");
        file.ShouldContain($"ENTRYPOINT [{start}]");
        file.ShouldContain($"USER {Pod(workload).Text("securityContext.runAsUser")}\n");
        file.ShouldContain($"EXPOSE {string.Join(' ', Container(workload).List("ports").Select(p => p.Text("containerPort")))}\n");
    }

    private static string Settings() => ConfigMap("metarouter").Pairs("data").Single(p => p.Key == "appsettings.json").Value.ToString();

    private static YamlNode ConfigMap(string name) => Documents.Single(d => d.Text("kind") == "ConfigMap" && Name(d) == name);

    private static YamlNode Workload(string name) => Workloads.Single(d => Name(d) == name);

    private static YamlNode Pod(string name) => Workload(name).At("spec.template.spec")!;

    private static YamlNode Container(string name) => Pod(name).List("containers").Single();

    private static string Name(YamlNode document) => document.Text("metadata.name");

    [GeneratedRegex(@"\d+$")]
    private static partial Regex LastNumber();

    [GeneratedRegex(@"DrainSeconds { get; set; } = (\d+)")]
    private static partial Regex Drain();

    [GeneratedRegex(@"dotnet publish (\S+) -c Release -p:UseOrleans=true (?:.+ )?-o /app\n")]
    private static partial Regex Publish();
}
