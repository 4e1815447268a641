using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MetaRouter.Gateway.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace MetaRouter.Gateway.Tests;

public sealed class StartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("MetaRouter:RefreshSeconds", "often", "'often'", "a number")]
    [InlineData("MetaRouter:Store", "redis", "'redis'", "sqlite:PATH")]
    [InlineData("MetaRouter:Stroe", "memory", "'Stroe'", "do not exist")]
    [InlineData("MetaRouter:RefreshSeconds", "-1", "RefreshSeconds is -1", "0 (never)")]
    [InlineData("MetaRouter:PrivateTenants", "acme", "MetaRouter:PrivateTenants is 'acme'; it must be a list", "MetaRouter:PrivateTenants:0")]
    [InlineData("Gateway:CategoryPins:private", "gpt-4o", "Gateway:CategoryPins:private is 'gpt-4o'; it must be a list")]
    [InlineData("Tenants:Name", "acme", "Tenants must be a list of entries with such settings", "[ { ... } ]", "Tenants:0:Name")]
    [InlineData("Tenants:0", "acme", "Tenants:0 is 'acme'; it must be settings with names of their own")]
    [InlineData("ApiKeys", "abc", "ApiKeys is 'abc'; it must be a list")]
    [InlineData("Gateway:CircuitFailure", "3", "'CircuitFailure' (CircuitFailures?)")]
    [InlineData("Tenants:0:BudgetUds", "3", "'Tenants:0:BudgetUds' (BudgetUsd?)")]
    [InlineData("Logging:LogLevel:Default", "Loud", "Logging:LogLevel:Default is 'Loud'", "Warning")]
    [InlineData("Logging:Console:LogLevel:Microsoft", "verbose", "Logging:Console:LogLevel:Microsoft is 'verbose'", "Debug")]
    [InlineData("Logging:Console:FormatterName", "yaml", "Logging:Console:FormatterName is 'yaml'", "simple, json or systemd")]
    [InlineData("Gateway:CheapLambda", "-1", "CheapLambda is -1", "0 or more")]
    [InlineData("Gateway:RouterBodyBytes", "10", "RouterBodyBytes is 10", "from 1000")]
    [InlineData("Gateway:OffModel", "gpt-9", "'gpt-9'", "it has gpt-")]
    [InlineData("Upstreams:0:BaseUrl", "example.com", "'example.com'", "absolute http")]
    [InlineData("Upstreams:0:BaseUrl", "https://api.example.com/v1/chat/completions", "'https://api.example.com/v1/chat/completions'", "leave /chat/completions away")]
    [InlineData("Upstreams:0:BaseUrl", "https://api.example.com/v1/embeddings/", "leave /embeddings away")]
    [InlineData("Upstreams:0:BaseUrl", "http://169.254.169.254/v1", "link-local")]
    [InlineData("Upstreams:0:BaseUrl", "http://[::ffff:169.254.169.254]/v1", "link-local")]
    [InlineData("Upstreams:0:BaseUrl", "http://2852039166/v1", "link-local")]
    [InlineData("Upstreams:0:Model", "gpt-9", "'gpt-9'", "not in the catalog", "MetaRouter:Models", "more")]
    [InlineData("Upstreams:0:Model", "gpt-4o-2024-05-13", "no upstream serves", "more; add each to Upstreams")]
    [InlineData("MetaRouter:Models:0:InputPrice", "five", "MetaRouter:Models:0:InputPrice is 'five'", "a number")]
    [InlineData("MetaRouter:Models:0:Prize", "5", "MetaRouter has settings that do not exist: 'MetaRouter:Models:0:Prize'")]
    [InlineData("Models:0:Id", "mine", "section Models is at the root", "section MetaRouter")]
    [InlineData("Upstreams:0:TimeoutSeconds", "0", "TimeoutSeconds 0", "1 to 3600")]
    [InlineData("Upstreams:0:ApiKeyEnv", "NO_SUCH_VARIABLE_HERE", "'NO_SUCH_VARIABLE_HERE'", "not set")]
    [InlineData("Upstreams:0:ApiKeyEnv", "METAROUTER_TEST_EMPTY", "'METAROUTER_TEST_EMPTY'", "it is there, and empty")]
    [InlineData("MetaRouter:DecisionLog", "/", "DecisionLog '/' is a folder; name a file")]
    [InlineData("MetaRouter:BackupFolder", "/etc/hostname", "BackupFolder '/etc/hostname' is a file; name a folder")]
    [InlineData("ApiKeys:0:Sha256", "my-secret", "9 characters", "64 hexadecimal")]
    [InlineData("ApiKeys:0:Scopes:0", "root", "'root'", "inference, feedback, read, admin, operator, metrics")]
    [InlineData("Urls", "http://0.0.0.0:8080", "'http://0.0.0.0:8080'", "ApiKeys", "http://127.0.0.1:8080")]
    [InlineData("Urls", "8080", "'8080'", "http://127.0.0.1:8080")]
    [InlineData("Urls", "http://127.0.0.1:80800", "'http://127.0.0.1:80800'; give a URL such as http://127.0.0.1:8080")]
    [InlineData("Urls", "http://127.0.0.1:80a5", "'http://127.0.0.1:80a5'; give a URL such as")]
    [InlineData("http_ports", "8080,8081", "'http://*:8080,8081'; give a URL such as")]
    [InlineData("Urls", "ftp://127.0.0.1", "'ftp://127.0.0.1'", "http://127.0.0.1:8080")]
    [InlineData("Kestrel:Endpoints:Http:Url", "http://127.0.0.1:8080/router", "'http://127.0.0.1:8080/router'", "http://127.0.0.1:8080")]
    public void Settings_Bad_AreNamedWithValueAndRemedy(string key, string value, params string[] named)
    {
        Environment.SetEnvironmentVariable("METAROUTER_TEST_EMPTY", " ");
        var problems = ProblemsOf((key, value));

        foreach (var one in named)
        {
            problems.ShouldContain(p => p.Contains(one, StringComparison.Ordinal));
        }

        problems.ShouldAllBe(p => !p.Contains("my-secret") && !p.Contains("System."));
    }

    [Theory]
    [InlineData("HTTP://127.0.0.1:8080")]
    [InlineData("http://unix:/run/metarouter.sock")]
    [InlineData("http://pipe:/metarouter")]
    public void Settings_AddressThatTheServerTakes_IsFine(string url) => Read(("Urls", url)).Warnings.ShouldBeEmpty();

    [Fact]
    public void Settings_AliasInThePlaceOfAnId_IsToldWithTheId()
    {
        (string, string)[] mine = [("MetaRouter:Models:0:Id", "mine-2026"), ("MetaRouter:Models:0:InputPrice", "1"), ("MetaRouter:Models:0:OutputPrice", "1"), ("MetaRouter:Models:0:Aliases:0", "mine")];
        const string told = "'mine', another name of 'mine-2026' for clients, which settings do not take; write 'mine-2026'";

        Read([.. mine, ("Tenants:0:Name", "default"), ("Tenants:0:AllowedModels:0", "mine"), ("Gateway:CategoryPins:home:0", "mine")]).Warnings
            .ShouldBe([$"Gateway:CategoryPins:home has {told}", $"Tenants:0:AllowedModels has {told}"]);
        ProblemsOf([.. mine, ("Gateway:OffModel", "mine")]).ShouldBe([$"Gateway:OffModel is {told}"]);
        ProblemsOf([.. mine, ("Upstreams:0:Model", "mine"), ("Upstreams:0:BaseUrl", "http://127.0.0.1:1/v1")]).ShouldContain($"Upstreams serves {told}");
    }

    /// <summary>Where one tenant has every key that governs, it is the operator's own, as before there was a scope for that.</summary>
    [Theory]
    [InlineData("acme:admin globex:admin", true)]
    [InlineData("acme:admin globex:admin ops:operator", false)]
    [InlineData("ops:admin ops:admin acme:read", false)]
    public void Settings_SeveralTenantsGovernAll_IsTold(string keys, bool isTold)
    {
        var settings = keys.Split(' ').SelectMany((key, i) => ((string, string)[])[($"ApiKeys:{i}:Sha256", Keys.Hash($"{i}")), ($"ApiKeys:{i}:Tenant", key.Split(':')[0]), ($"ApiKeys:{i}:Scopes:0", key.Split(':')[1])]);

        var warnings = Read([.. settings]).Warnings;

        warnings.Count(w => w.Contains("no key of ApiKeys has the scope operator, so each with the scope admin (of 'acme', 'globex')", StringComparison.Ordinal)).ShouldBe(isTold ? 1 : 0);
        warnings.Count.ShouldBe(isTold ? 1 : 0);
    }

    /// <summary>A model may be added while the gateway runs, so a list that names one that is not there starts; unsaid, its requests would be refused with nobody knowing why.</summary>
    [Theory]
    [InlineData("Gateway:CategoryPins:private", "gpt-4o-2024-05-31")]
    [InlineData("Tenants:0:AllowedModels", "gpt-4o-2024-05-31")]
    [InlineData("Tenants:0:DearModels", "gpt-4o-2024-05-31")]
    public void Settings_ModelThatNobodyHas_IsToldWithTheNearest(string list, string model)
    {
        var settings = Read(("Tenants:0:Name", "default"), ("Tenants:0:DearShare", "0.5"), ("Tenants:0:DearModels:7", "gpt-4o-2024-05-13"), (list + ":0", model));

        settings.Warnings.ShouldHaveSingleItem().ShouldStartWith($"{list} has '{model}', which is not in the catalog");
        settings.Warnings[0].ShouldContain("it has gpt-4o-2024-05-13");
    }

    [Fact]
    public void Settings_EmbeddingModelOfATenant_GivesNoWarning() =>
        Read(("Upstreams:0:Model", "*"), ("Upstreams:0:BaseUrl", "http://127.0.0.1:1/v1"), ("Upstreams:1:Model", "embedder"), ("Upstreams:1:BaseUrl", "http://127.0.0.1:1/v1"), ("Upstreams:1:Embeddings", "true"),
            ("Tenants:0:Name", "default"), ("Tenants:0:AllowedModels:0", "embedder")).Warnings.ShouldBeEmpty();

    [Fact]
    public void Settings_EmbeddingModelWithASpace_IsToldWithTheRemedy() =>
        ProblemsOf(("Upstreams:0:Model", "*"), ("Upstreams:0:BaseUrl", "http://127.0.0.1:1/v1"), ("Upstreams:1:Model", "bge m3"), ("Upstreams:1:BaseUrl", "http://127.0.0.1:1/v1"), ("Upstreams:1:Embeddings", "true"))
            .ShouldHaveSingleItem().ShouldStartWith("Upstreams:1 (bge m3) has a name that no model can have");

    /// <summary>Budgets and privacy of a tenant whose name has a slip in it would be nobody's, and the tenant without them.</summary>
    [Theory]
    [InlineData("Tenants:0:Name", "acmee", "Tenants:0:Name is 'acmee', to which no request can belong: the keys of ApiKeys belong to acme, ops")]
    [InlineData("MetaRouter:PrivateTenants:0", "Acme", "MetaRouter:PrivateTenants:0 is 'Acme', to which no request can belong: the keys of ApiKeys belong to ")]
    public void Settings_TenantWithoutAKey_IsToldWithTheNearest(string setting, string tenant, string told)
    {
        (string, string)[] keys = [.. ((string[])["ops", "acme"]).SelectMany((t, i) => ((string, string)[])[($"ApiKeys:{i}:Tenant", t), ($"ApiKeys:{i}:Sha256", new string((char)('a' + i), 64)), ($"ApiKeys:{i}:Scopes:0", "read")])];

        Read([.. keys, (setting, tenant)]).Warnings.ShouldHaveSingleItem().ShouldStartWith(told);
        Read([.. keys, (setting, "acme")]).Warnings.ShouldBeEmpty();
        Read((setting, tenant)).Warnings.ShouldHaveSingleItem().ShouldEndWith("ApiKeys is empty, so that all belong to 'default'");
    }

    [Fact]
    public void Settings_TenantsThatNeedNoKeyOfTheirOwn_GiveNoWarning() => Read(("Tenants:0:Name", "*"), ("Tenants:1:Name", "default")).Warnings.ShouldBeEmpty();

    /// <summary>One entry where a list is wanted is one mistake, whatever it has in it.</summary>
    [Fact]
    public void Settings_EntryInThePlaceOfItsList_IsToldOnce() =>
        ProblemsOf(("MetaRouter:Models:Id", "mine"), ("MetaRouter:Models:InputPrice", "1"), ("MetaRouter:Models:OutputPrice", "1"), ("Gateway:CheapLambda", "-1"))
            .Select(p => p.Split(' ')[0]).ShouldBe(["MetaRouter:Models", "Gateway:CheapLambda"], ignoreOrder: true);

    /// <summary>JSON may have nulls in its lists, of which the framework speaks in words of its own, or not at all.</summary>
    [Theory]
    [InlineData("""{"MetaRouter":{"Models":[null]}}""", "MetaRouter:Models:0 is null")]
    [InlineData("""{"MetaRouter":{"Models":[{"Id":"a","InputPrice":1,"OutputPrice":1,"Aliases":["b"]},{"Id":"b","InputPrice":1,"OutputPrice":1}]}}""", "model 'a' has the alias 'b', which is a model's id; leave it out")]
    [InlineData("""{"MetaRouter":{"Models":[{"Id":"a","InputPrice":1,"OutputPrice":1,"Capabilities":["tools",null]}]}}""", "MetaRouter:Models:0:Capabilities:1 is null")]
    [InlineData("""{"MetaRouter":{"PrivateTenants":[null]}}""", "MetaRouter:PrivateTenants:0 is null")]
    [InlineData("""{"Gateway":{"RouterNames":["mf",null]}}""", "Gateway:RouterNames:1 is null")]
    [InlineData("""{"Gateway":{"CategoryPins":{"medical":[null]}}}""", "Gateway:CategoryPins:medical:0 is null")]
    [InlineData("""{"Upstreams":[null]}""", "Upstreams:0 is null")]
    [InlineData("""{"ApiKeys":[null]}""", "ApiKeys:0 is null")]
    [InlineData("""{"ApiKeys":[{"Tenant":"t","Scopes":[null]}]}""", "ApiKeys:0:Scopes:0 is null")]
    [InlineData("""{"Tenants":[null]}""", "Tenants:0 is null")]
    [InlineData("""{"Tenants":[{"Name":"t","AllowedModels":[null],"DearModels":[null]}]}""", "Tenants:0:AllowedModels:0 is null")]
    public void Settings_NullInAList_IsNamedWithItsPlace(string file, string named)
    {
        using var json = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(file));
        var read = new ConfigurationBuilder().AddJsonStream(json).Build();

        var problems = Should.Throw<GatewayConfigurationException>(() => SettingsReader.Read(read)).Problems;

        problems.ShouldContain(p => p.Contains(named, StringComparison.Ordinal) && p.Contains("leave it out", StringComparison.Ordinal), string.Join('\n', problems));
        problems.ShouldAllBe(p => !p.Contains("Parameter", StringComparison.Ordinal) && !p.Contains("converted", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"Gateway":{"Mode":null,"OffModel":null,"CompareShare":null,"CategoryPins":null,"RouterNames":null}}""")]
    [InlineData("""{"Upstreams":[{"Model":"*","BaseUrl":"http://127.0.0.1:1/v1","ApiKey":null,"ApiKeyEnv":null,"UpstreamModel":null,"TimeoutSeconds":null}]}""")]
    [InlineData("""{"Tenants":[{"Name":"t","BudgetUsd":null,"BudgetPeriod":null,"AllowedModels":null,"SharesLearning":null}]}""")]
    public void Settings_Null_IsAsLeftOut(string file)
    {
        using var json = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(file));

        var settings = SettingsReader.Read(new ConfigurationBuilder().AddJsonStream(json).Build());

        settings.Gateway.ShouldBeEquivalentTo(new GatewayOptions());
        settings.Upstreams.ShouldAllBe(u => u.UpstreamModel == "" && u.Key == null && u.TimeoutSeconds > 1);
        settings.Tenants.ShouldAllBe(t => t.BudgetPeriod == "day" && t.SharesLearning);
    }

    [Fact]
    public void Settings_ProblemsOfAllSections_AreReportedTogether() =>
        ProblemsOf(("MetaRouter:RefreshSeconds", "often"), ("MetaRouter:UsersInMemory", "many"), ("MetaRouter:Store", "redis"), ("Gateway:CheapLambda", "x"), ("Upstreams:0:BaseUrl", "y"), ("ApiKeys:0:Tenant", "t")).Count.ShouldBeGreaterThanOrEqualTo(8);

    [Fact]
    public void Settings_Shipped_AreTheDefaults()
    {
        var settings = SettingsReader.Read(new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json")).Build());

        settings.IsSimulated.ShouldBeTrue();
        settings.Gateway.ShouldBeEquivalentTo(new GatewayOptions());
    }

    [Fact]
    public async Task Start_BadSetting_ExitsWith2() => await ShouldExitAsync(2, ["RefreshSeconds", "'often'"], "--MetaRouter:RefreshSeconds", "often");

    [Theory]
    [InlineData("'--dmo' does not exist", "--dmo", "--urls", "http://127.0.0.1:0")]
    [InlineData("'--port' does not exist", "--port", "8081")]
    [InlineData("'--MetaRuter:Store' does not exist", "--MetaRuter:Store=memory")]
    [InlineData("'newkey' is neither a command nor an option", "newkey", "acme", "read")]
    [InlineData("'--urls' has no value", "--urls", "--demo")]
    [InlineData("'--MetaRouter:Store' has no value", "--MetaRouter:Store")]
    public void Arguments_Misspelt_AreNamedWithTheRemedy(string named, params string[] args) => Arguments.Problems(args).ShouldContain(p => p.Contains(named, StringComparison.Ordinal));

    [Fact]
    public void Help_FitsATerminalOf80Columns() => Arguments.Help.Split('\n').ShouldAllBe(line => line.Length <= 80);

    [Theory]
    [InlineData("--demo", "--urls", "http://127.0.0.1:0", "--Demo:Seed", "2")]
    [InlineData("--MetaRouter:Store=redis:127.0.0.1:6379,password=x", "--Upstreams:0:Model", "m", "--Gateway:CheapLambda", "-1")]
    [InlineData("--Logging:LogLevel:Default", "Debug", "--contentRoot", "/tmp", "--Kestrel:Endpoints:Http:Url", "http://127.0.0.1:0")]
    public void Arguments_Good_PassUnremarked(params string[] args) => Arguments.Problems(args).ShouldBeEmpty();

    [Fact]
    public async Task Start_OptionMisspelt_ExitsWith2() => await ShouldExitAsync(2, ["'--dmo'", "--help"], "--dmo");

    [Fact]
    public void Settings_SiblingThatNobodyKnows_IsNamed()
    {
        ProblemsOf([.. Model(0, "mine", "llama-3.1-8b-instrct")]).ShouldContain(p => p.Contains("'mine' has the sibling 'llama-3.1-8b-instrct'", StringComparison.Ordinal) && p.Contains("such as llama-3.1-8b-instruct, ", StringComparison.Ordinal));
        Read([.. Model(0, "mine", "llama-3.1-8b-instruct"), .. Model(1, "mine-too", "mine")]); // the snapshot's, and the catalog's own

        static IEnumerable<(string, string)> Model(int i, string id, string sibling) =>
            [($"MetaRouter:Models:{i}:Id", id), ($"MetaRouter:Models:{i}:InputPrice", "1"), ($"MetaRouter:Models:{i}:OutputPrice", "1"), ($"MetaRouter:Models:{i}:Sibling", sibling)];
    }

    [Fact]
    public async Task Welcome_SaysWhereUsersAreKept()
    {
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:Store", $"sqlite:{_folder.Path}/kept.db");

        Welcome.Text(gateway.App).ShouldContain(_folder.File("kept.db"));
        Welcome.Text(gateway.App).ShouldNotContain("$KEY");
    }

    /// <summary>Models and mode that were set while it ran outlive the restart, whatever the file says by then; taken back, it is the file's that count, also those it has later.</summary>
    [Fact]
    public async Task Welcome_WhatWasSetWhileItRan_IsToldWhereTheConfigurationSaysOtherwise()
    {
        await using (var first = await StartAsync("small", 1))
        {
            (await first.SendAsync(HttpMethod.Put, "/v1/router/models", """{"models":[{"id":"small","input_price_usd_per_million":2,"output_price_usd_per_million":2}]}""")).Status.ShouldBe(200);
            (await first.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":"static"}""")).Status.ShouldBe(200);
        }

        await using (var edited = await StartAsync("tiny", 3))
        {
            Welcome.Text(edited.App).ShouldContain("MetaRouter:Models, which has others or other figures: tiny, small. DELETE /v1/router/models goes back");
            Welcome.Text(edited.App).ShouldContain("The mode is 'static', which was set at run time, not 'apply' as in Gateway:Mode");
            (await edited.GetAsync("/v1/router/models")).Text.ShouldContain("\"small\"");
            (await edited.SendAsync(HttpMethod.Delete, "/v1/router/models")).Text.ShouldContain("\"tiny\"");
            (await edited.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":""}""")).Status.ShouldBe(200);
            Welcome.Text(edited.App).ShouldNotContain("at run time");
        }

        await using var last = await StartAsync("other", 4);
        (await last.GetAsync("/v1/router/models")).Text.ShouldContain("\"other\"");
        Welcome.Text(last.App).ShouldNotContain("at run time");

        Task<RunningGateway> StartAsync(string model, int price) => RunningGateway.StartAsync("--MetaRouter:Store", $"sqlite:{_folder.Path}/kept.db", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", "http://127.0.0.1:9/v1",
            "--MetaRouter:Models:0:Id", model, "--MetaRouter:Models:0:InputPrice", $"{price}", "--MetaRouter:Models:0:OutputPrice", $"{price}");
    }

    [Fact]
    public async Task Welcome_ModelsThatTheSnapshotDoesNotKnow_AreNamedUnlessTheyHaveASibling()
    {
        static IEnumerable<string> Model(int i, string id, string sibling) => [$"--MetaRouter:Models:{i}:Id", id, $"--MetaRouter:Models:{i}:InputPrice", "1", $"--MetaRouter:Models:{i}:OutputPrice", "1", .. sibling.Length == 0 ? [] : (string[])[$"--MetaRouter:Models:{i}:Sibling", sibling]];
        await using var gateway = await RunningGateway.StartAsync(["--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", "http://127.0.0.1:9/v1", .. Model(0, "gpt-4o-2024-05-13", ""), .. Model(1, "stranger", ""), .. Model(2, "mine", "llama-3.1-8b-instruct"), .. Model(3, "mine-too", "mine"), .. Model(4, "like-it", "stranger")]);
        await using var simulated = await RunningGateway.StartAsync([.. Model(0, "stranger", "")]);
        await using var known = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", "http://127.0.0.1:9/v1");

        Welcome.Text(gateway.App).ShouldContain("Judged by price alone, since the snapshot does not know them: stranger, like-it. The dearer is taken for the better until you name as Sibling");
        Welcome.Text(simulated.App).ShouldContain("since the snapshot does not know it: stranger. ");
        Welcome.Text(known.App).ShouldNotContain("Judged by price");
    }

    [Theory]
    [InlineData("apply")]
    [InlineData("observe", "In the mode observe decisions are noted and not followed: 'gpt-4o-2024-05-13' answers 'auto' (the dearest model; another: Gateway:OffModel).", "name a file in MetaRouter:DecisionLog")]
    [InlineData("static", "In the mode static nothing is decided: 'gpt-4o-2024-05-13' answers 'auto'")]
    public async Task Welcome_WithoutRouting_SaysWhoAnswers(string mode, params string[] told)
    {
        await using var gateway = await RunningGateway.StartAsync("--Gateway:Mode", mode);
        await using var demo = await RunningGateway.StartAsync("--demo", "--Gateway:Mode", mode);

        foreach (var said in (string[])[Welcome.Text(gateway.App), Welcome.Text(demo.App)])
        {
            said.Contains("In the mode", StringComparison.Ordinal).ShouldBe(told.Length > 0);
        }

        Array.ForEach(told, t => Welcome.Text(gateway.App).ShouldContain(t));
    }

    [Fact]
    public async Task Welcome_WhereKeysAreConfigured_SendsOneInEveryCommand()
    {
        await using var gateway = await RunningGateway.StartAsync("--ApiKeys:0:Tenant", "acme", "--ApiKeys:0:Sha256", new string('a', 64), "--ApiKeys:0:Scopes:0", "read");

        var commands = Welcome.Text(gateway.App);

        commands.Split("curl -s ").Skip(1).ShouldAllBe(c => c.StartsWith("-H \"Authorization: Bearer $KEY\" ", StringComparison.Ordinal));
        commands.ShouldContain("inference, feedback and read");
    }

    [Fact]
    public async Task Start_OperatorsSettingsFile_LogsNoRequests()
    {
        await using var gateway = await RunningGateway.StartAsync("--Logging:LogLevel:Default", ""); // as where the file says nothing of it
        await gateway.GetAsync("/v1/router/users/ada");

        gateway.Log.ShouldAllBe(l => !l.Text.Contains("ada", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_LogsAsJson_AreThatAndNotForPeople()
    {
        await using var gateway = await RunningGateway.StartAsync("--Logging:Console:FormatterName", "json");

        gateway.App.Services.GetRequiredService<IOptionsMonitor<ConsoleLoggerOptions>>().CurrentValue.FormatterName.ShouldBe("json");
    }

    [Fact]
    public async Task Start_SettingsFileTorn_ExitsWith2()
    {
        await File.WriteAllTextAsync(_folder.File("appsettings.json"), "{ \"MetaRouter\": {");

        await ShouldExitAsync(2, ["appsettings.json", "LineNumber"]);
    }

    /// <summary>Keys and an address for others that are saved together are in force together, at the next start: until then nobody else may reach a gateway without keys.</summary>
    [Fact]
    public async Task Settings_SavedWhileItRuns_OpenNoAddress()
    {
        var (file, port) = (_folder.File("appsettings.json"), Loopback.FreePort());
        await File.WriteAllTextAsync(file, "{}");
        using var gateway = Process.Start(Programs.In(_folder.Path, "MetaRouter.Gateway", "--MetaRouter:Store", "memory", "--urls", "http://127.0.0.1:0"))!;
        try
        {
            await Programs.AddressOfAsync(gateway);

            await File.WriteAllTextAsync(file, $$"""{"Kestrel":{"Endpoints":{"All":{"Url":"http://0.0.0.0:{{port}}" } } },"ApiKeys":[{"Sha256":"{{new string('a', 64)}}","Tenant":"acme","Scopes":["read"]}]}""");

            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(3));
            await Should.ThrowAsync<OperationCanceledException>(async () =>
            {
                while (!await Listens(port))
                {
                    await Task.Delay(100, soon.Token);
                }
            });
        }
        finally
        {
            gateway.Kill();
            await gateway.WaitForExitAsync();
        }

        static async Task<bool> Listens(int port)
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Health_OfAGatewayThatRuns_ExitsWith0()
    {
        await using var gateway = await RunningGateway.StartAsync("--ApiKeys:0:Tenant", "acme", "--ApiKeys:0:Sha256", new string('a', 64), "--ApiKeys:0:Scopes:0", "read"); // a probe has no key

        (await RunAsync(_folder.Path, "health", gateway.App.Urls.Single())).Code.ShouldBe(0);
    }

    [Theory]
    [InlineData(1, "http://127.0.0.1:1/health does not answer", "http://127.0.0.1:1")]
    [InlineData(2, "not 'localhost:8080'", "localhost:8080")]
    [InlineData(2, "usage: health", "http://127.0.0.1:1", "twice")]
    public async Task Health_OfNobody_SaysWhy(int code, string named, params string[] arguments)
    {
        var (ended, said) = await RunAsync(_folder.Path, ["health", .. arguments]);

        ended.ShouldBe(code, said);
        said.ShouldContain(named);
        said.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData("health")]
    [InlineData("new-key")]
    public async Task Command_AskedForHelp_TellsIt(string command)
    {
        var (ended, said) = await RunAsync(_folder.Path, command, "--help");

        ended.ShouldBe(0, said);
        said.ShouldContain($"MetaRouter.Gateway {command}");
    }

    [Fact]
    public async Task Start_BeyondLoopbackWithoutKeys_ExitsWith2() => await ShouldExitAsync(2, ["http://0.0.0.0:0", "ApiKeys"], "--urls", "http://0.0.0.0:0");

    [Fact]
    public async Task Start_PortInUse_ExitsWith1()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();

        await ShouldExitAsync(1, ["in use", "--urls"], "--urls", $"http://{other.LocalEndpoint}");
    }

    /// <summary>Which is no bad setting where the address is yet to come, as at a machine's boot.</summary>
    [Fact]
    public async Task Start_AddressOfAnotherMachine_ExitsWith1() =>
        await ShouldExitAsync(1, ["The address to listen on cannot be used", "--urls"], "--urls", "http://192.0.2.1:8080", "--ApiKeys:0:Tenant", "acme", "--ApiKeys:0:Sha256", new string('a', 64), "--ApiKeys:0:Scopes:0", "read");

    [Theory]
    [InlineData("--Kestrel:Endpoints:Tls:Url", "https://127.0.0.1:0")]
    [InlineData("--Kestrel:Endpoints:Tls:Url", "https://127.0.0.1:0", "--Kestrel:Endpoints:Tls:Certificate:Path", "none.pem")]
    public async Task Start_HttpsWithoutItsCertificate_ExitsWith2(params string[] arguments) => await ShouldExitAsync(2, ["The address to listen on cannot be used", "section Kestrel"], arguments);

    [Fact]
    public async Task Start_StoreLocked_ExitsWith1()
    {
        await using var holder = Hosting.Stores.SqliteUserStore.Open(_folder.File("users.db"));

        await ShouldExitAsync(1, ["users.db", "another process"]);
    }

    [Fact]
    public async Task Start_StoreTorn_ExitsWith1()
    {
        await File.WriteAllTextAsync(_folder.File("users.db"), new string('x', 5000));

        await ShouldExitAsync(1, ["users.db", "move it aside"]);
    }

    [Hosting.Tests.MountFact]
    public async Task Start_StoreReadOnly_ExitsWith1()
    {
        using var disk = new Hosting.Tests.SmallDisk(4000);
        await (await Task.Run(() => Hosting.Stores.SqliteUserStore.Open(disk.File("users.db")))).DisposeAsync();
        disk.MakeReadOnly();

        await ShouldExitAsync(1, ["users.db", "read-only", "make both writable"], "--MetaRouter:Store", "sqlite:" + disk.File("users.db"));
    }

    [Fact]
    public async Task Start_SnapshotThatIsNone_ExitsWith2()
    {
        var path = _folder.File("bad.mrsnap");
        await File.WriteAllTextAsync(path, "no snapshot");

        await ShouldExitAsync(2, [$"Snapshot '{path}'", "not a MetaRouter snapshot", "CheapLambda"], "--MetaRouter:Snapshot", path, "--Gateway:CheapLambda", "-1");
    }

    private static List<string> ProblemsOf(params (string Key, string Value)[] settings) => [.. Should.Throw<GatewayConfigurationException>(() => Read(settings)).Problems];

    private static GatewaySettings Read(params (string Key, string Value)[] settings) =>
        SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build());

    private async Task ShouldExitAsync(int code, string[] named, params string[] args)
    {
        var (ended, said) = await RunAsync(_folder.Path, [.. args.Contains("--MetaRouter:Store") ? [] : (string[])["--MetaRouter:Store", "sqlite:users.db"], .. args.Contains("--urls") ? args : ["--urls", "http://127.0.0.1:0", .. args]]);

        ended.ShouldBe(code, said);
        foreach (var one in named)
        {
            said.ShouldContain(one);
        }

        said.ShouldNotContain("   at ");
    }

    private static Task<(int Code, string Said)> RunAsync(string folder, params string[] args) => Programs.RunAsync(Programs.In(folder, "MetaRouter.Gateway", args));
}
