// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>A device that does something by itself as VM time goes by, such as raise an interrupt line.</summary>
/// <remarks>What it does is a function of its state and VM time: nobody can tell from outside whether it was advanced
/// in one step or in many.</remarks>
internal interface ITimedDevice
{
    /// <summary>The VM time at which the device next does something that others see, or null if it never will unless
    /// the guest touches it. It may lie in the past.</summary>
    ulong? NextDeadline { get; }

    /// <summary>The interrupt line that it drives.</summary>
    int Line { get; }

    /// <summary>Does all that is due at the clock's VM time, in order. Does nothing, and changes no state, if nothing
    /// is.</summary>
    void Advance();
}
