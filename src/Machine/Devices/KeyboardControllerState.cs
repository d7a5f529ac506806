// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The 8042 as data.</summary>
/// <param name="Output">The output buffer.</param>
/// <param name="IsOutputFull">Status bit 0.</param>
/// <param name="CommandByte">As commands 20h and 60h read and write it.</param>
/// <param name="Command">The command that waits for a byte at port 60h, or 0.</param>
/// <param name="WroteCommand">Status bit 3: what was written last went to port 64h.</param>
public sealed record KeyboardControllerState(
    byte Output,
    bool IsOutputFull,
    byte CommandByte,
    byte Command,
    bool WroteCommand);
