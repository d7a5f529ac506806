// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Debug;

/// <summary>The types of the packets Z and z.</summary>
internal enum BreakKind
{
    Software = 0,
    Hardware = 1,
    Write = 2,
    Read = 3,
    Access = 4,
}
