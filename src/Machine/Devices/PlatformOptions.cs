// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>What the devices of a VM are told about it.</summary>
/// <param name="MemoryBytes">Guest RAM.</param>
/// <param name="RtcStartUnixSeconds">The wall clock time that the real-time clock shows at VM time 0: seconds since
/// 1970, UTC.</param>
internal sealed record PlatformOptions(ulong MemoryBytes, int VcpuCount, long RtcStartUnixSeconds);
