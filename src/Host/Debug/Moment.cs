// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Debug;

internal readonly record struct Moment(ulong VmTime, int Step) : IComparable<Moment>
{
    public static Moment At(ulong vmTime) => new(vmTime, 0);

    public int CompareTo(Moment other) =>
        VmTime != other.VmTime ? VmTime.CompareTo(other.VmTime) : Step.CompareTo(other.Step);

    public override string ToString() => Step == 0 ? $"{VmTime}" : $"{VmTime}+{Step}";
}
