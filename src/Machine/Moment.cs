// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Machine;

/// <summary>A moment of a guest's life, as a debugger tells them apart: VM time stands still while an exception or an
/// interrupt is delivered, or a hypercall site is patched.</summary>
/// <param name="VmTime">Ticks since the VM's creation.</param>
/// <param name="Step">Such steps since VM time became that. 0 is right behind the last instruction, which is the state
/// that the journal's hashes are of.</param>
public readonly record struct Moment(ulong VmTime, int Step = 0) : IComparable<Moment>
{
    public static bool operator <(Moment left, Moment right) => left.CompareTo(right) < 0;

    public static bool operator >(Moment left, Moment right) => left.CompareTo(right) > 0;

    public static bool operator <=(Moment left, Moment right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Moment left, Moment right) => left.CompareTo(right) >= 0;

    /// <summary>Reads what <see cref="ToString"/> writes; commas between digits are passed over.</summary>
    public static bool TryParse(string text, out Moment moment)
    {
        string[] parts = text.Replace(",", "", StringComparison.Ordinal).Split('+');
        int step = 0;
        bool hasTime = ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong vmTime);
        bool isMoment = hasTime && (parts.Length == 1
            || (parts.Length == 2
                && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out step)));
        moment = isMoment ? new Moment(vmTime, step) : default;
        return isMoment;
    }

    public int CompareTo(Moment other) =>
        VmTime != other.VmTime ? VmTime.CompareTo(other.VmTime) : Step.CompareTo(other.Step);

    /// <summary>VM time, and <c>+N</c> where steps were taken.</summary>
    public override string ToString() => Step == 0
        ? VmTime.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{VmTime}+{Step}");
}
