// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;

namespace KvmActors.Host.Configuration;

/// <summary>The words that stand for enum values in configuration files, on the command line and in JSON.</summary>
internal static class ConfigurationWords
{
    public static ImmutableArray<(string Word, HypercallPatchPolicy Value)> PatchPolicies { get; } =
    [
        ("auto", HypercallPatchPolicy.Auto),
        ("patch", HypercallPatchPolicy.Patch),
        ("emulate", HypercallPatchPolicy.Emulate),
        ("inject", HypercallPatchPolicy.Inject),
    ];

    public static ImmutableArray<(string Word, EngineChoice Value)> Engines { get; } =
    [
        ("auto", EngineChoice.Auto),
        ("interpreter", EngineChoice.Interpreter),
        ("translator", EngineChoice.Translator),
    ];

    public static ImmutableArray<(string Word, HostVendor Value)> Vendors { get; } =
    [
        ("intel", HostVendor.Intel),
        ("amd", HostVendor.Amd),
    ];

    public static ImmutableArray<(string Word, BootProtocol Value)> BootProtocols { get; } =
    [
        ("multiboot", BootProtocol.Multiboot),
        ("linux", BootProtocol.Linux),
        ("pvh", BootProtocol.Pvh),
        ("flat", BootProtocol.Flat),
    ];

    public static ImmutableArray<(string Word, CpuidDialect Value)> CpuidDialects { get; } =
    [
        ("kvm", CpuidDialect.Kvm),
        ("kvm2007", CpuidDialect.Kvm2007),
    ];

    public static string Of(CpuidDialect dialect) => dialect switch
    {
        CpuidDialect.Kvm => "kvm",
        CpuidDialect.Kvm2007 => "kvm2007",
    };

    public static string Of(HostVendor vendor) => vendor switch
    {
        HostVendor.Intel => "intel",
        HostVendor.Amd => "amd",
    };

    public static string Of(HypercallPatchPolicy policy) => policy switch
    {
        HypercallPatchPolicy.Auto => "auto",
        HypercallPatchPolicy.Patch => "patch",
        HypercallPatchPolicy.Emulate => "emulate",
        HypercallPatchPolicy.Inject => "inject",
    };
}
