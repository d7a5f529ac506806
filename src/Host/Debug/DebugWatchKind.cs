// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Debug;

internal enum DebugWatchKind
{
    Write,
    Read,
    Access,
}
