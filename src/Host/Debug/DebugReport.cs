// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>What <c>debug gdb --json</c> prints once gdb may come.</summary>
/// <param name="At">The moment at which the guest stands.</param>
/// <param name="Command">What to type in another terminal.</param>
internal sealed record DebugReport(
    string Vm, string At, string Start, string End, int Vcpus, string Address, string Command)
{
    public static DebugReport Of(string vm, IDebugTarget target, RegisterLayout layout, int port)
    {
        string address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
        return new DebugReport(
            vm,
            target.Now.ToString(),
            target.Start.ToString(),
            target.End.ToString(),
            target.VcpuCount,
            address,
            $"gdb -ex 'set architecture {layout.Architecture}' -ex 'target remote {address}'");
    }

    /// <summary>For a person. Says so where the registers offered are not those of the code that runs.</summary>
    public string Text(IDebugTarget target, RegisterLayout layout)
    {
        VcpuState state = target.State.Vcpus[target.State.Runner];
        bool isWide = GuestMode.CodeBits(state) == 64;
        string hint = isWide == (layout == RegisterLayout.X8664) ? "" :
            $"vCPU {state.Index} is in {GuestMode.Describe(state)} here: to have its code disassembled right, use "
            + $"--arch {(isWide ? "x86-64" : "i386")} or monitor code.\n";
        return $"{Vm} at {At}, of {Start} to {End}; {Cli.CountText.Of(Vcpus, "vCPU")}. {hint}Type elsewhere:\n"
            + $"  {Command}\n";
    }
}
