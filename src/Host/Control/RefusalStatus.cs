// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Control;

/// <summary>The cluster's refusals as gRPC statuses.</summary>
internal static class RefusalStatus
{
    public static RpcException ToRpc(this Refusal refusal) => new(Of(refusal.Kind), refusal.Sentence);

    /// <summary>Unavailable and ResourceExhausted may be sent again under the same command id; the others change
    /// nothing by being sent again.</summary>
    public static RpcStatus Of(RefusalKind kind) => kind switch
    {
        RefusalKind.State => RpcStatus.FailedPrecondition,
        RefusalKind.NotFound => RpcStatus.NotFound,
        RefusalKind.Exists => RpcStatus.AlreadyExists,
        RefusalKind.Invalid => RpcStatus.InvalidArgument,
        RefusalKind.Unsuitable => RpcStatus.FailedPrecondition,
        RefusalKind.Unavailable => RpcStatus.Unavailable,
        RefusalKind.Busy => RpcStatus.ResourceExhausted,
    };
}
