// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary>VMs, one a line.</summary>
internal static class VmTable
{
    public static void Write(IEnumerable<VmStatus> vms, CliTerminal terminal)
    {
        TextTable table = new("VM", "STATE", "NODE", "EPOCH", "VENDOR", "INSTRUCTIONS", "CONSOLE", "REMARK")
        {
            RightAligned = [3, 5, 6],
        };
        foreach (VmStatus vm in vms)
        {
            table.Add(
                vm.Name,
                vm.State,
                vm.Owner.Length == 0 ? "-" : vm.Owner,
                vm.Epoch.ToString(CultureInfo.InvariantCulture),
                vm.HostVendor,
                vm.Instructions.ToString(CultureInfo.InvariantCulture),
                vm.ConsoleBytes.ToString(CultureInfo.InvariantCulture),
                RemarkOf(vm));
        }

        table.Write(terminal);
    }

    private static string RemarkOf(VmStatus vm) => vm switch
    {
        { Problem.Length: > 0 } => vm.Problem,
        { MovingTo.Length: > 0 } => $"Moving to {vm.MovingTo}.",
        _ => vm.End,
    };
}
