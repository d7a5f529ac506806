// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>vCPUs as gdb's threads: vCPU 0 is thread 1.</summary>
internal static class GdbThreads
{
    public static string IdOf(int vcpu) => HexText.Of((ulong)vcpu + 1);

    /// <summary>Reads a thread's id: -1 is all of them, 0 is any.</summary>
    /// <param name="vcpu">Null: all or any.</param>
    /// <returns>False where there is no such thread.</returns>
    public static bool TryParse(string text, int vcpuCount, out int? vcpu)
    {
        vcpu = null;
        if (text is "-1" or "0")
        {
            return true;
        }

        bool exists = HexText.TryParse(text, out ulong id) && id >= 1 && id <= (ulong)vcpuCount;
        vcpu = exists ? (int)id - 1 : null;
        return exists;
    }

    /// <summary>The answer to qfThreadInfo.</summary>
    public static string List(int vcpuCount) => $"m{string.Join(',', Enumerable.Range(0, vcpuCount).Select(IdOf))}";

    /// <summary>What <c>info threads</c> shows beside the id.</summary>
    public static string Describe(VcpuState state) =>
        $"vCPU {state.Index}, {GuestMode.Describe(state)}, {GuestMode.DescribeActivity(state)}";
}
