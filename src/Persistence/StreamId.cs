// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>A stream of the journal: "web" is the VM web, "web/0" its first vCPU.</summary>
public readonly record struct StreamId(string Value) : IComparable<StreamId>
{
    /// <summary>The vCPU index, or -1 for the VM's own stream.</summary>
    public int VcpuIndex
    {
        get
        {
            int slash = Value.IndexOf('/', StringComparison.Ordinal);
            return slash < 0
                ? -1
                : int.Parse(Value.AsSpan(slash + 1), System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    public VmId Vm
    {
        get
        {
            int slash = Value.IndexOf('/', StringComparison.Ordinal);
            return VmId.Parse(slash < 0 ? Value : Value[..slash]);
        }
    }

    private ReadOnlySpan<char> VmName
    {
        get
        {
            int slash = Value.IndexOf('/', StringComparison.Ordinal);
            return slash < 0 ? Value : Value.AsSpan(0, slash);
        }
    }

    /// <summary>The same as comparing <see cref="Vm"/>, without parsing a name.</summary>
    internal bool IsOf(VmId vm) => VmName.SequenceEqual(vm.Value);

    /// <summary>VM stream first, then vCPUs by index: the order in which rows are locked and events replayed.</summary>
    public int CompareTo(StreamId other)
    {
        int byVm = VmName.SequenceCompareTo(other.VmName);
        return byVm != 0 ? byVm : VcpuIndex.CompareTo(other.VcpuIndex);
    }

    public static bool operator <(StreamId left, StreamId right) => left.CompareTo(right) < 0;

    public static bool operator <=(StreamId left, StreamId right) => left.CompareTo(right) <= 0;

    public static bool operator >(StreamId left, StreamId right) => left.CompareTo(right) > 0;

    public static bool operator >=(StreamId left, StreamId right) => left.CompareTo(right) >= 0;

    public override string ToString() => Value;
}
