// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Rpc;

/// <summary>A method as client and server both know it.</summary>
/// <param name="Service">With its package: <c>kvmactors.control.v1.Control</c>.</param>
internal sealed record RpcMethod<TRequest, TReply>(
    string Service, string Name, RpcCodec<TRequest> Request, RpcCodec<TReply> Reply)
{
    public string Path => $"/{Service}/{Name}";
}
