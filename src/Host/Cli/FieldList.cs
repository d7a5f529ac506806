// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Cli;

/// <summary>Names and values of one thing, a line each.</summary>
internal sealed class FieldList
{
    private readonly List<(string Name, string Value)> _fields = [];

    /// <summary>An empty value does not apply, and is left out.</summary>
    public void Add(string name, string value)
    {
        if (value.Length > 0)
        {
            _fields.Add((name, value));
        }
    }

    public void Write(CliTerminal terminal)
    {
        int width = _fields.Max(field => field.Name.Length);
        foreach ((string name, string value) in _fields)
        {
            terminal.Out.WriteLine($"{name.PadRight(width)}  {value}");
        }
    }
}
