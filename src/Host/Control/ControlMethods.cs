// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Control;

/// <summary>The methods of <c>control.proto</c>. A test holds them against its service.</summary>
internal static class ControlMethods
{
    public const string Service = "kvmactors.control.v1.Control";

    public static RpcMethod<PingRequest, PingReply> Ping { get; } =
        Of("Ping", PingRequest.Parser, PingReply.Parser);

    public static RpcMethod<ClusterStatusRequest, ClusterStatusReply> ClusterStatus { get; } =
        Of("ClusterStatus", ClusterStatusRequest.Parser, ClusterStatusReply.Parser);

    public static RpcMethod<CreateVmRequest, VmStatus> CreateVm { get; } =
        Of("CreateVm", CreateVmRequest.Parser, VmStatus.Parser);

    public static RpcMethod<ListVmsRequest, ListVmsReply> ListVms { get; } =
        Of("ListVms", ListVmsRequest.Parser, ListVmsReply.Parser);

    public static RpcMethod<ShowVmRequest, VmStatus> ShowVm { get; } =
        Of("ShowVm", ShowVmRequest.Parser, VmStatus.Parser);

    public static RpcMethod<VmCommandRequest, VmStatus> StartVm { get; } =
        Of("StartVm", VmCommandRequest.Parser, VmStatus.Parser);

    public static RpcMethod<VmCommandRequest, VmStatus> PauseVm { get; } =
        Of("PauseVm", VmCommandRequest.Parser, VmStatus.Parser);

    public static RpcMethod<VmCommandRequest, VmStatus> ResumeVm { get; } =
        Of("ResumeVm", VmCommandRequest.Parser, VmStatus.Parser);

    public static RpcMethod<VmCommandRequest, VmStatus> StopVm { get; } =
        Of("StopVm", VmCommandRequest.Parser, VmStatus.Parser);

    public static RpcMethod<SaveVmRequest, SaveVmChunk> SaveVm { get; } =
        Of("SaveVm", SaveVmRequest.Parser, SaveVmChunk.Parser);

    public static RpcMethod<RestoreVmChunk, VmStatus> RestoreVm { get; } =
        Of("RestoreVm", RestoreVmChunk.Parser, VmStatus.Parser);

    public static RpcMethod<ForkVmRequest, VmStatus> ForkVm { get; } =
        Of("ForkVm", ForkVmRequest.Parser, VmStatus.Parser);

    public static RpcMethod<DeleteVmRequest, DeleteVmReply> DeleteVm { get; } =
        Of("DeleteVm", DeleteVmRequest.Parser, DeleteVmReply.Parser);

    public static RpcMethod<ReleaseVmRequest, ReleaseVmReply> ReleaseVm { get; } =
        Of("ReleaseVm", ReleaseVmRequest.Parser, ReleaseVmReply.Parser);

    public static RpcMethod<MigrateVmRequest, MigrateVmReply> MigrateVm { get; } =
        Of("MigrateVm", MigrateVmRequest.Parser, MigrateVmReply.Parser);

    public static RpcMethod<CheckMoveRequest, CheckMoveReply> CheckMove { get; } =
        Of("CheckMove", CheckMoveRequest.Parser, CheckMoveReply.Parser);

    public static RpcMethod<CancelMoveRequest, CancelMoveReply> CancelMove { get; } =
        Of("CancelMove", CancelMoveRequest.Parser, CancelMoveReply.Parser);

    public static RpcMethod<DrainNodeRequest, DrainNodeReply> DrainNode { get; } =
        Of("DrainNode", DrainNodeRequest.Parser, DrainNodeReply.Parser);

    public static RpcMethod<MigrateVcpuRequest, MigrateVcpuReply> MigrateVcpu { get; } =
        Of("MigrateVcpu", MigrateVcpuRequest.Parser, MigrateVcpuReply.Parser);

    public static RpcMethod<ShowVcpuRequest, VcpuStatus> ShowVcpu { get; } =
        Of("ShowVcpu", ShowVcpuRequest.Parser, VcpuStatus.Parser);

    public static RpcMethod<SetVcpuCpuidRequest, VcpuStatus> SetVcpuCpuid { get; } =
        Of("SetVcpuCpuid", SetVcpuCpuidRequest.Parser, VcpuStatus.Parser);

    public static RpcMethod<ConsoleRequest, ConsoleChunk> Console { get; } =
        Of("Console", ConsoleRequest.Parser, ConsoleChunk.Parser);

    public static RpcMethod<SendInputRequest, SendInputReply> SendInput { get; } =
        Of("SendInput", SendInputRequest.Parser, SendInputReply.Parser);

    public static RpcMethod<WatchVmRequest, VmStatus> WatchVm { get; } =
        Of("WatchVm", WatchVmRequest.Parser, VmStatus.Parser);

    private static RpcMethod<TRequest, TReply> Of<TRequest, TReply>(
        string name, MessageParser<TRequest> request, MessageParser<TReply> reply)
        where TRequest : IMessage<TRequest>
        where TReply : IMessage<TReply> =>
        new(Service, name, RpcCodec.Of(request), RpcCodec.Of(reply));
}
