// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Security;

/// <summary>What the bearer of a certificate may do.</summary>
internal enum CertificateRole
{
    /// <summary>Reads the control API.</summary>
    Viewer,

    /// <summary>Reads and changes by the control API.</summary>
    Operator,

    /// <summary>Serves the control API, and speaks to other nodes.</summary>
    Node,
}
