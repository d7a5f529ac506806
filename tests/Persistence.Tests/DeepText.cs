// SPDX-License-Identifier: Apache-2.0

using System.Collections;
using System.Reflection;
using KvmActors.Cpu.Cpuid;

namespace KvmActors.Persistence.Tests;

/// <summary>All that an object holds, as text, so that values with arrays inside can be compared and a difference
/// read.</summary>
internal static class DeepText
{
    internal static string Of(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        ReadOnlyMemory<byte> bytes => Convert.ToHexStringLower(bytes.Span),
        CpuidTable table => Of(table.Entries),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Of))}]",
        Digest digest => digest.Hex,
        ValueType number when number.GetType().GetProperty("Value") is not null => $"{number}",
        _ when value.GetType().Namespace!.StartsWith("System", StringComparison.Ordinal) || value is Enum => $"{value}",
        _ => $"{value.GetType().Name} {{ {string.Join(", ", Parts(value))} }}",
    };

    private static IEnumerable<string> Parts(object value) => value.GetType()
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.GetIndexParameters().Length == 0 && property.Name != "Registers")
        .Select(property => $"{property.Name} = {Of(property.GetValue(value))}");
}
