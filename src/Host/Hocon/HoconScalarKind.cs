// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Hocon;

internal enum HoconScalarKind
{
    /// <summary>Quoted, unquoted or concatenated.</summary>
    Text,
    Number,
    Boolean,
    Null,
}
