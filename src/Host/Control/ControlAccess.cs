// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using KvmActors.Host.Node;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Control;

/// <summary>Who may call which method of a node. A method that is not here is nobody's; a test finds it.</summary>
internal static class ControlAccess
{
    private static readonly FrozenDictionary<string, RpcAccess> s_access = new Dictionary<string, RpcAccess>
    {
        // What changes nothing.
        [ControlMethods.Ping.Path] = RpcAccess.Read,
        [ControlMethods.ClusterStatus.Path] = RpcAccess.Read,
        [ControlMethods.ListVms.Path] = RpcAccess.Read,
        [ControlMethods.ShowVm.Path] = RpcAccess.Read,
        [ControlMethods.ShowVcpu.Path] = RpcAccess.Read,
        [ControlMethods.WatchVm.Path] = RpcAccess.Read,
        [ControlMethods.Console.Path] = RpcAccess.Read,
        [ControlMethods.CheckMove.Path] = RpcAccess.Read,

        // What does; and SaveVm, which takes a snapshot and hands out the guest's memory.
        [ControlMethods.CreateVm.Path] = RpcAccess.Change,
        [ControlMethods.StartVm.Path] = RpcAccess.Change,
        [ControlMethods.PauseVm.Path] = RpcAccess.Change,
        [ControlMethods.ResumeVm.Path] = RpcAccess.Change,
        [ControlMethods.StopVm.Path] = RpcAccess.Change,
        [ControlMethods.DeleteVm.Path] = RpcAccess.Change,
        [ControlMethods.SaveVm.Path] = RpcAccess.Change,
        [ControlMethods.RestoreVm.Path] = RpcAccess.Change,
        [ControlMethods.ForkVm.Path] = RpcAccess.Change,
        [ControlMethods.ReleaseVm.Path] = RpcAccess.Change,
        [ControlMethods.MigrateVm.Path] = RpcAccess.Change,
        [ControlMethods.CancelMove.Path] = RpcAccess.Change,
        [ControlMethods.DrainNode.Path] = RpcAccess.Change,
        [ControlMethods.MigrateVcpu.Path] = RpcAccess.Change,
        [ControlMethods.SetVcpuCpuid.Path] = RpcAccess.Change,
        [ControlMethods.SendInput.Path] = RpcAccess.Change,

        // What nodes say to each other.
        [NodeLink.Method.Path] = RpcAccess.Link,
        [NodeLink.StreamPath] = RpcAccess.Link,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <returns>Null: nobody.</returns>
    public static RpcAccess? Of(string path) => s_access.TryGetValue(path, out RpcAccess access) ? access : null;
}
