// SPDX-License-Identifier: Apache-2.0

using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.State;
using KvmActors.Machine;

namespace KvmActors.Host.Journal.Diff;

/// <summary>A VM's state as names and values, all of it: what is added to the state is in here too.</summary>
internal static class StateFields
{
    private const int BytesPerField = 16;
    private const int FxSaveSt0 = 32;
    private const int FxSaveXmm0 = 160;
    private const int FxSaveEnd = 416;

    private static readonly string[] s_gprs =
    [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    ];

    private static readonly string[] s_segments = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"];
    private static readonly string[] s_debug = ["dr0", "dr1", "dr2", "dr3", "dr6", "dr7"];

    /// <summary>In an order that a person reads in: vCPUs with their registers first, then devices.</summary>
    public static Dictionary<string, string> Of(MachineState state)
    {
        Dictionary<string, string> fields = new(StringComparer.Ordinal);
        foreach (VcpuState vcpu in state.Vcpus)
        {
            AddVcpu(fields, $"vcpu{vcpu.Index}", vcpu);
        }

        AddProperties(fields, "", state, nameof(MachineState.Vcpus));
        return fields;
    }

    private static void AddVcpu(Dictionary<string, string> fields, string at, VcpuState vcpu)
    {
        AddNamed(fields, at, s_gprs, vcpu.Gprs);
        AddNamed(fields, at, s_segments, vcpu.Segments);
        AddNamed(fields, at, s_debug, vcpu.DebugRegisters);
        foreach (MsrValue msr in vcpu.Msrs)
        {
            fields[$"{at}.msr[0x{msr.Index:x}]"] = $"0x{msr.Value:x}";
        }

        foreach (CpuidEntry entry in vcpu.Cpuid.Entries)
        {
            string leaf = $"{at}.cpuid[0x{entry.Leaf:x}.{entry.Subleaf:x}]";
            Add(fields, $"{leaf}.flags", entry.Flags);
            Add(fields, $"{leaf}.eax", entry.Eax);
            Add(fields, $"{leaf}.ebx", entry.Ebx);
            Add(fields, $"{leaf}.ecx", entry.Ecx);
            Add(fields, $"{leaf}.edx", entry.Edx);
        }

        for (int offset = 0; offset < vcpu.FxSave.Length; offset += BytesPerField)
        {
            string value = Convert.ToHexStringLower(vcpu.FxSave.AsSpan().Slice(offset, BytesPerField));
            fields[$"{at}.{FxSaveName(offset)}"] = value;
        }

        AddProperties(
            fields,
            at,
            vcpu,
            nameof(vcpu.Gprs),
            nameof(vcpu.Segments),
            nameof(vcpu.DebugRegisters),
            nameof(vcpu.Msrs),
            nameof(vcpu.Cpuid),
            nameof(vcpu.FxSave));
    }

    private static string FxSaveName(int offset) => offset switch
    {
        < FxSaveSt0 => $"fxsave[{offset}]",
        < FxSaveXmm0 => $"st{(offset - FxSaveSt0) / BytesPerField}",
        < FxSaveEnd => $"xmm{(offset - FxSaveXmm0) / BytesPerField}",
        _ => $"fxsave[{offset}]",
    };

    private static void AddNamed<T>(
        Dictionary<string, string> fields, string at, string[] names, ImmutableArray<T> values)
    {
        for (int index = 0; index < values.Length; index++)
        {
            Add(fields, $"{at}.{names[index]}", values[index]);
        }
    }

    private static void Add(Dictionary<string, string> fields, string at, object? value)
    {
        switch (value)
        {
            case null:
                fields[at] = "none";
                break;
            case ImmutableArray<byte> bytes:
                fields[at] = Convert.ToHexStringLower(bytes.AsSpan());
                break;
            case ulong or uint or ushort or byte:
                fields[at] = string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");
                break;
            case Gva or Gpa or string or IFormattable or bool:
                fields[at] = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
                break;
            case IEnumerable list:
                int index = 0;
                foreach (object? each in list)
                {
                    Add(fields, $"{at}[{index++}]", each);
                }

                break;
            default:
                AddProperties(fields, at, value);
                break;
        }
    }

    /// <summary>Those that are stored, not those that are computed of them.</summary>
    private static void AddProperties(
        Dictionary<string, string> fields, string at, object value, params ReadOnlySpan<string> but)
    {
        PropertyInfo[] stored =
        [
            .. value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.CanWrite && property.GetIndexParameters().Length == 0),
        ];
        if (stored.Length == 0)
        {
            fields[at] = value.ToString() ?? "";
        }

        foreach (PropertyInfo property in stored)
        {
            if (!but.Contains(property.Name))
            {
                string name = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
                Add(fields, at.Length == 0 ? name : $"{at}.{name}", property.GetValue(value));
            }
        }
    }
}
