// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>fw_cfg as data.</summary>
/// <param name="Key">The item that was selected.</param>
/// <param name="Offset">Bytes of it that have been read.</param>
public sealed record FirmwareConfigState(ushort Key, uint Offset);
