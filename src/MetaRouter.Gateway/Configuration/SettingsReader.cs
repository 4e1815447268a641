using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Configuration;

/// <summary>Reads the settings of all sections, and reports what is wrong with any of them together.</summary>
internal static class SettingsReader
{
    /// <exception cref="GatewayConfigurationException">At least one setting cannot be used.</exception>
    public static GatewaySettings Read(IConfiguration configuration)
    {
        var problems = new List<string>();
        var copy = SettingsBinder.Copy(configuration);
        RemoveNulls(copy, problems);
        var router = SettingsBinder.Bind<MetaRouterOptions>(copy, MetaRouterOptions.Section, problems);
        var routedNames = TakeRoutedNames(copy, problems);
        var gateway = SettingsBinder.Bind<GatewayOptions>(copy, GatewayOptions.Section, problems);
        routedNames.ForEach(n => gateway.RoutedNames[n.Name] = n.Meant);
        var upstreams = SettingsBinder.Bind<List<UpstreamOptions>>(copy, UpstreamOptions.Section, problems);
        var keys = SettingsBinder.Bind<List<ApiKeyOptions>>(copy, ApiKeyOptions.Section, problems);
        var tenants = SettingsBinder.Bind<List<TenantOptions>>(copy, TenantOptions.Section, problems);
        var telemetry = SettingsBinder.Bind<TelemetryOptions>(copy, TelemetryOptions.Section, problems).WithVariables(configuration);
        var demo = Demo.DemoMode.IsOn(copy) ? SettingsBinder.Bind<Demo.DemoOptions>(copy, Demo.DemoOptions.Section, problems) : null;

        var routerProblems = router.Problems();
        problems.AddRange(routerProblems.Select(p => $"{MetaRouterOptions.Section}: {p}"));
        problems.AddRange(SettingsBinder.LoggingProblems(configuration));
        problems.AddRange(gateway.Problems());
        problems.AddRange(telemetry.Problems());
        problems.AddRange(demo?.Problems() ?? []);
        if (demo is not null && upstreams.Count > 0)
        {
            problems.Add($"{Demo.DemoOptions.Switch} simulates users, but {UpstreamOptions.Section} has {upstreams.Count} that would really answer them; leave one of the two out");
        }

        problems.AddRange(upstreams.SelectMany((u, i) => u.Problems(i)));
        problems.AddRange(keys.SelectMany((k, i) => k.Problems(i)));
        problems.AddRange(tenants.SelectMany((t, i) => t.Problems(i)));
        problems.AddRange(tenants.GroupBy(t => t.Name).Where(t => t.Count() > 1).Select(t => $"{TenantOptions.Section} lists '{t.Key}' {t.Count()} times; keep one"));
        problems.AddRange(keys.Where(k => k.Sha256.Length == 64).GroupBy(k => k.Sha256, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1)
            .Select(g => $"{ApiKeyOptions.Section} lists the hash {g.Key[..8]}... {g.Count()} times; a key has one tenant, so keep one"));
        if (configuration.GetSection(nameof(MetaRouterOptions.Models)).GetChildren().Any())
        {
            problems.Add($"section {nameof(MetaRouterOptions.Models)} is at the root, where nothing reads it; put it into section {MetaRouterOptions.Section}");
        }

        CheckAddresses(configuration, keys.Count > 0, problems);
        string[] warnings = [];
        if (routerProblems.Count == 0 && Served(router, problems) is { } served)
        {
            CheckSiblings(served, problems);
            CheckModels(served.Catalog, upstreams, gateway, problems);
            problems.AddRange(new Chat.RoutedNames(new GatewaySettings(gateway, upstreams, keys, tenants)).Problems(new ModelCatalog(served.Catalog)));
            warnings = [.. MissingModels(served.Catalog, upstreams, gateway, tenants), .. TenantsWithoutKeys(router, keys, tenants), .. AdminsOfSeveral(keys)];
        }

        return problems.Count == 0
            ? new GatewaySettings(gateway, upstreams, keys, tenants) { Demo = demo, Telemetry = telemetry, Warnings = warnings }
            : throw new GatewayConfigurationException(problems);
    }

    /// <summary>
    /// Removes JSON's nulls, which would end up in the options: in a list a null is a mistake, elsewhere it means that a setting is left out. Section
    /// MetaRouter is bound again where it is used, and checks its own.
    /// </summary>
    private static void RemoveNulls(ConfigurationManager configuration, List<string> problems)
    {
        foreach (var section in (string[])[MetaRouterOptions.Section, GatewayOptions.Section, UpstreamOptions.Section, ApiKeyOptions.Section, TenantOptions.Section])
        {
            foreach (var path in configuration.GetSection(section)
                .AsEnumerable()
                .Where(p => p.Value is null && p.Key != section && !configuration.GetSection(p.Key).GetChildren().Any())
                .Select(p => p.Key)
                .ToList())
            {
                var isInList = int.TryParse(ConfigurationPath.GetSectionKey(path), NumberStyles.None, CultureInfo.InvariantCulture, out _);
                if (isInList)
                {
                    problems.Add($"{path} is null or {{}}; give it a value, or leave it out");
                }

                if (isInList || section != MetaRouterOptions.Section)
                {
                    SettingsBinder.Remove(configuration, path);
                }
            }
        }
    }

    /// <summary>Clients' names for models may have colons in them, which the binder would take for sections within sections.</summary>
    private static List<(string Name, string Meant)> TakeRoutedNames(ConfigurationManager configuration, List<string> problems)
    {
        const string Setting = $"{GatewayOptions.Section}:{nameof(GatewayOptions.RoutedNames)}";
        var found = configuration.GetSection(Setting).AsEnumerable().Where(p => p.Value is not null).ToList();
        SettingsBinder.RemoveAll(configuration, Setting);
        if (found.Find(p => p.Key == Setting) is { Value.Length: > 0 } alone)
        {
            problems.Add($"{Setting} is '{alone.Value}'; it must be names with what they stand for, such as {{ \"gpt-4o\": \"{Core.Routing.Dial.Auto}\" }}");
        }

        return [.. found.Where(p => p.Key.Length > Setting.Length).Select(p => (p.Key[(Setting.Length + 1)..], p.Value!))];
    }

    /// <summary>Without keys whoever can connect is trusted, so no other machine may be able to.</summary>
    private static void CheckAddresses(IConfiguration configuration, bool hasKeys, List<string> problems)
    {
        var urls = (configuration["Urls"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Concat(configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(e => e["Url"] ?? ""))
            .Concat(Ports("http_ports", "http")).Concat(Ports("https_ports", "https"));
        foreach (var url in urls.Distinct())
        {
            if (ListenAddress.Parse(url) is not { } address)
            {
                problems.Add($"the address to listen on is '{url}'; give a URL such as http://127.0.0.1:8080");
                continue;
            }

            if (!hasKeys && !ListenAddress.IsLocal(address) && !Http.ApiKeyRing.IsThisMachine(address.Host))
            {
                problems.Add(
                    $"the gateway is to listen on '{url}', beyond this machine, and section {ApiKeyOptions.Section} is empty, "
                        + $"so anybody could use it; add a key (its SHA-256, tenant and scopes), or listen on http://127.0.0.1:{address.Port}");
            }
        }

        IEnumerable<string> Ports(string name, string scheme) =>
            configuration["Urls"] is null ? (configuration[name] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(p => $"{scheme}://*:{p}") : [];
    }

    /// <summary>The models to route among, and those that the snapshot knows.</summary>
    private static (IReadOnlyList<ModelProfile> Catalog, IReadOnlyList<ModelProfile> Known)? Served(MetaRouterOptions router, List<string> problems)
    {
        try
        {
            var known = router.ReadSnapshot().Models;
            return (router.Models.Count > 0 ? router.Catalog().Models : known, known);
        }
        catch (Exception e) when (e is SnapshotFormatException or IOException or UnauthorizedAccessException)
        {
            problems.Add($"{MetaRouterOptions.Section}: {e.Message.TrimEnd('.')}");
            return null;
        }
    }

    /// <summary>An unknown sibling is probably misspelt: the model would silently be judged by its price.</summary>
    private static void CheckSiblings((IReadOnlyList<ModelProfile> Catalog, IReadOnlyList<ModelProfile> Known) served, List<string> problems)
    {
        var known = served.Known.Concat(served.Catalog).Select(m => m.Id).ToHashSet();
        foreach (var model in served.Catalog.Where(m => m.Sibling is { } sibling && !known.Contains(sibling)))
        {
            problems.Add(
                $"{MetaRouterOptions.Section}: model '{model.Id}' has the sibling '{model.Sibling}', which is neither in the catalog nor in the snapshot; "
                    + $"name one that is, such as {Closest(served.Known.Select(m => m.Id.Value), model.Sibling!.Value.Value, 5)}, or leave it out");
        }
    }

    private static void CheckModels(IReadOnlyList<ModelProfile> models, List<UpstreamOptions> upstreams, GatewayOptions gateway, List<string> problems)
    {
        var ids = models.Select(m => m.Id.Value).ToHashSet();
        foreach (var (setting, model) in new[]
        {
            (nameof(GatewayOptions.OffModel), gateway.OffModel),
            (nameof(GatewayOptions.StrongModel), gateway.StrongModel),
            (nameof(GatewayOptions.WeakModel), gateway.WeakModel),
        })
        {
            if (model.Length > 0 && !ids.Contains(model))
            {
                problems.Add($"{GatewayOptions.Section}:{setting} is '{model}', {OtherName(models, model) ?? $"which is not in the catalog; it has {Closest(ids, model)}"}");
            }
        }

        if (upstreams.Count == 0)
        {
            return;
        }

        foreach (var upstream in upstreams.Where(u => u.Model.Length > 0 && u.Model != UpstreamOptions.AnyModel && !u.Embeddings && !ids.Contains(u.Model)))
        {
            problems.Add(
                $"{UpstreamOptions.Section} serves '{upstream.Model}', "
                    + (OtherName(models, upstream.Model)
                        ?? $"which is not in the catalog; list it under {MetaRouterOptions.Section}:Models, or name one that is there: {Closest(ids, upstream.Model)}"));
        }

        problems.AddRange(upstreams.GroupBy(u => (u.Model, u.BaseUrl, u.UpstreamModel))
            .Where(g => g.Count() > 1)
            .Select(g => $"{UpstreamOptions.Section} lists '{g.Key.Model}' at '{g.First().Address}' {g.Count()} times; keep one"));
        if (upstreams.All(u => u.Model != UpstreamOptions.AnyModel))
        {
            var served = upstreams.Where(u => !u.Embeddings).Select(u => u.Model).ToHashSet();
            var missing = models.Where(m => m.Enabled && !served.Contains(m.Id.Value)).Select(m => m.Id.Value).ToList();
            if (missing.Count > 0)
            {
                problems.Add(
                    $"no upstream serves {List(missing)}; add each to {UpstreamOptions.Section}, or an entry for *, or list under {MetaRouterOptions.Section}:Models only the models you have");
            }
        }
    }

    /// <summary>Models that a tenant or a category may use but that do not exist. They may be added at run time, so they are no error.</summary>
    private static IEnumerable<string> MissingModels(IReadOnlyList<ModelProfile> models, List<UpstreamOptions> upstreams, GatewayOptions gateway, List<TenantOptions> tenants)
    {
        var ids = models.Select(m => m.Id.Value).Concat(upstreams.Where(u => u.Embeddings).Select(u => u.Model)).ToHashSet();
        var lists = gateway.CategoryPins.Select(c => ($"{GatewayOptions.Section}:{nameof(GatewayOptions.CategoryPins)}:{c.Key}", (IEnumerable<string>)c.Value))
            .Concat(tenants.SelectMany((t, i) => new[]
            {
                ($"{TenantOptions.Section}:{i}:{nameof(t.AllowedModels)}", (IEnumerable<string>)t.AllowedModels),
                ($"{TenantOptions.Section}:{i}:{nameof(t.DearModels)}", t.DearModels),
            }));
        return from list in lists
            from model in list.Item2.Distinct()
            where !ids.Contains(model)
            select $"{list.Item1} has '{model}', {OtherName(models, model) ?? $"which is not in the catalog, and no request goes there until it is; it has {Closest(ids, model, 5)}"}";
    }

    /// <summary>Settings name a model by its id, so that it has one name in them; null: it is no model's alias.</summary>
    private static string? OtherName(IReadOnlyList<ModelProfile> models, string name) =>
        models.FirstOrDefault(m => m.Aliases.Any(a => a.Value == name)) is { } meant ? $"another name of '{meant.Id}' for clients, which settings do not take; write '{meant.Id}'" : null;

    /// <summary>Rules for tenants that no key belongs to: if misspelt, the tenant that was meant has no budget or limits, or its users teach others.</summary>
    private static IEnumerable<string> TenantsWithoutKeys(MetaRouterOptions router, List<ApiKeyOptions> keys, List<TenantOptions> tenants)
    {
        string[] known = keys.Count == 0 ? [Http.Caller.OpenTenant] : [.. keys.Select(k => k.Tenant).Distinct(StringComparer.Ordinal)];
        return tenants.Select((t, i) => (Setting: $"{TenantOptions.Section}:{i}:{nameof(t.Name)}", Tenant: t.Name))
            .Concat(router.PrivateTenants.Select((t, i) => (Setting: $"{MetaRouterOptions.Section}:{nameof(router.PrivateTenants)}:{i}", Tenant: t)))
            .Where(t => t.Tenant != TenantOptions.AnyTenant && !known.Contains(t.Tenant, StringComparer.Ordinal))
            .Select(t => $"{t.Setting} is '{t.Tenant}', to which no request can belong: "
                + (keys.Count == 0 ? $"{ApiKeyOptions.Section} is empty, so that all belong to '{known[0]}'" : $"the keys of {ApiKeyOptions.Section} belong to {Closest(known, t.Tenant, 5)}"));
    }

    /// <summary>Where one tenant has all the keys that govern, they are the operator's own.</summary>
    private static IEnumerable<string> AdminsOfSeveral(List<ApiKeyOptions> keys)
    {
        string[] tenants = [.. keys.Where(k => k.Scopes.Contains("admin")).Select(k => k.Tenant).Distinct(StringComparer.Ordinal)];
        return tenants.Length < 2 || Http.ApiKeyRing.HasOperator(keys) ? []
            : [$"no key of {ApiKeyOptions.Section} has the scope operator, so each with the scope admin (of {List(tenants.Select(t => $"'{t}'"), 5)}) may change the models, "
                + "the mode, the prior and the receipts' key for all tenants; give your own key the scope operator, and the others no longer may"];
    }

    /// <summary>The shipped snapshot has dozens of models; named one by one they would hide the remedy.</summary>
    private static string List(IEnumerable<string> names, int most = 12)
    {
        var all = names.ToList();
        return string.Join(", ", all.Take(most)) + (all.Count > most ? $" and {all.Count - most} more" : "");
    }

    /// <summary>Names that begin most like the given one come first.</summary>
    private static string Closest(IEnumerable<string> names, string name, int most = 12) => List(names.OrderByDescending(n => n.AsSpan().CommonPrefixLength(name)), most);
}
