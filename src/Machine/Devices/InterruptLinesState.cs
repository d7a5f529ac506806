// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>Who holds which interrupt line high, a bit a line.</summary>
public sealed record InterruptLinesState(uint ByDevices, uint ByTestDevice);
