using System.Collections.Concurrent;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>Numbers for models' names, so that a journal need not hold the names; valid for the life of the process.</summary>
internal sealed class ModelNumbers
{
    /// <summary>Catalogs may change while the gateway runs; this many different names are told apart.</summary>
    private const int Most = ushort.MaxValue;

    private readonly ConcurrentDictionary<ModelId, int> _numbers = new();
    private readonly Lock _gate = new();
    private volatile string[] _names = [];

    public int this[ModelId model] => _numbers.TryGetValue(model, out var number) ? number : Add(model);

    public string this[int number] => _names[number];

    /// <summary>-1: no such name was met.</summary>
    public int Find(string name) => Array.IndexOf(_names, name);

    private int Add(ModelId model)
    {
        lock (_gate)
        {
            if (_numbers.TryGetValue(model, out var number))
            {
                return number;
            }

            if (_names.Length == Most)
            {
                return Most - 1;
            }

            _names = [.. _names, model.Value];
            return _numbers[model] = _names.Length - 1;
        }
    }
}
