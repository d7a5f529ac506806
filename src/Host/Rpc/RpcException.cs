// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Rpc;

/// <summary>A call that ended with a status other than <see cref="RpcStatus.Ok"/>: thrown by a handler, it is what the
/// client gets; thrown by the client, it is what the server sent or what kept the call from reaching it.</summary>
/// <param name="detail">One sentence for a person.</param>
/// <param name="wasSent">False where the request surely did not reach the server.</param>
internal sealed class RpcException(RpcStatus status, string detail, bool wasSent = true, Exception? inner = null)
    : Exception(detail, inner)
{
    public RpcStatus Status { get; } = status;

    public bool WasSent { get; } = wasSent;
}
