// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Rpc;

/// <summary>Who may call a method.</summary>
internal enum RpcAccess
{
    /// <summary>Viewers and operators.</summary>
    Read,

    /// <summary>Operators.</summary>
    Change,

    /// <summary>Other nodes.</summary>
    Link,
}
