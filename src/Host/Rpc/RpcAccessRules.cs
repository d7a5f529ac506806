// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Security;

namespace KvmActors.Host.Rpc;

/// <summary>What an <see cref="RpcAccess"/> means for a role.</summary>
internal static class RpcAccessRules
{
    public static bool Allows(this RpcAccess access, CertificateRole role) => access switch
    {
        RpcAccess.Read => role is CertificateRole.Viewer or CertificateRole.Operator,
        RpcAccess.Change => role is CertificateRole.Operator,
        RpcAccess.Link => role is CertificateRole.Node,
    };

    /// <summary>Of whom a refusal says that it expected them.</summary>
    public static string Expected(this RpcAccess access) => access switch
    {
        RpcAccess.Read => "an operator or a viewer",
        RpcAccess.Change => "an operator",
        RpcAccess.Link => "a node",
    };
}
