// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The ports that reset or power off, as data.</summary>
/// <param name="SystemControl">Port 92h: bit 0 of what was written.</param>
/// <param name="ResetControl">Port CF9h: bit 1 of what was written.</param>
/// <param name="ShutdownLetters">How many letters of "Shutdown" port 8900h has seen in a row.</param>
public sealed record PowerControlState(byte SystemControl, byte ResetControl, byte ShutdownLetters);
