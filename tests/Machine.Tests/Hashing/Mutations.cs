// SPDX-License-Identifier: Apache-2.0

using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using KvmActors.Cpu.Cpuid;

namespace KvmActors.Machine.Tests.Hashing;

/// <summary>All values that differ from a given one in exactly one field, found by reflection over records, so that a
/// new field is among them without anybody's doing.</summary>
internal static class Mutations
{
    /// <summary>Each changed value with the path of the field that was changed.</summary>
    public static IEnumerable<(string Path, object? Value)> Of(object value, string path) => value switch
    {
        bool flag => [(path, !flag)],
        byte number => [(path, (byte)(number + 1))],
        ushort number => [(path, (ushort)(number + 1))],
        int number => [(path, number + 1)],
        uint number => [(path, number + 1)],
        ulong number => [(path, number + 1), (path + "[63]", number ^ (1UL << 63))],
        string text => [(path, text + "x")],
        Enum name => [(path, Enum.ToObject(name.GetType(), Convert.ToInt64(name, null) + 1))],
        CpuidTable table => Of(table.Entries, path).Select(
            each => (each.Path, (object?)CpuidTable.Of((ImmutableArray<CpuidEntry>)each.Value!))),
        IList list => OfList(list, path),
        _ => OfRecord(value, path),
    };

    private static IEnumerable<(string Path, object? Value)> OfRecord(object record, string path)
    {
        ConstructorInfo constructor = record.GetType().GetConstructors().MaxBy(each => each.GetParameters().Length)!;
        object?[] arguments = [.. constructor.GetParameters().Select(
            parameter => record.GetType().GetProperty(parameter.Name!)!.GetValue(record))];
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = $"{path}.{constructor.GetParameters()[i].Name}";
            foreach ((string changedPath, object? changed) in Of(arguments[i]!, name))
            {
                object?[] all = [.. arguments];
                all[i] = changed;
                yield return (changedPath, constructor.Invoke(all));
            }
        }
    }

    private static IEnumerable<(string Path, object? Value)> OfList(IList list, string path)
    {
        object[] items = [.. list.Cast<object>()];
        yield return ($"{path}, one less", ToImmutableArray(list, items[..^1]));
        yield return ($"{path}, one more", ToImmutableArray(list, [.. items, items[^1]]));
        for (int i = 0; i < items.Length; i++)
        {
            foreach ((string changedPath, object? changed) in Of(items[i], $"{path}[{i}]"))
            {
                object[] all = [.. items];
                all[i] = changed!;
                yield return (changedPath, ToImmutableArray(list, all));
            }
        }
    }

    private static object ToImmutableArray(IList like, object[] items)
    {
        Type itemType = like.GetType().GetGenericArguments()[0];
        var typed = Array.CreateInstance(itemType, items.Length);
        items.CopyTo(typed, 0);
        return typeof(ImmutableArray).GetMethods()
            .Single(method => method.Name == nameof(ImmutableArray.Create)
                && method.GetParameters() is [{ ParameterType.IsArray: true, ParameterType.IsSZArray: true } only]
                && only.GetCustomAttribute<System.Runtime.CompilerServices.ParamCollectionAttribute>() is null)
            .MakeGenericMethod(itemType)
            .Invoke(null, [typed])!;
    }
}
