// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host;

/// <summary>Every line that Host writes to its log.</summary>
internal static partial class HostLog
{
    [LoggerMessage(1, LogLevel.Error, "The call of {Path} failed inside the node")]
    internal static partial void CallFailed(this ILogger logger, string path, Exception fault);

    [LoggerMessage(2, LogLevel.Warning, "{Remote} was refused. {Reason}")]
    internal static partial void PeerRefused(this ILogger logger, string remote, string reason);

    [LoggerMessage(3, LogLevel.Information,
        "{Remote} began a TLS handshake and did not end it within {TimeoutSeconds} s, or speaks no TLS 1.3")]
    internal static partial void HandshakeFailed(this ILogger logger, string remote, double timeoutSeconds);

    [LoggerMessage(4, LogLevel.Warning, "{Remote} is {Identity} and may not call {Path}")]
    internal static partial void CallDenied(this ILogger logger, string remote, string identity, string path);

    [LoggerMessage(5, LogLevel.Information, "{Identity} asks for {What} from {Remote}")]
    internal static partial void CallOfOperator(this ILogger logger, string identity, string what, string remote);

    [LoggerMessage(6, LogLevel.Information, "{File} was read again: its certificate is valid until {Until}")]
    internal static partial void CertificateReadAgain(this ILogger logger, string file, string until);

    [LoggerMessage(7, LogLevel.Error, "{File} or what belongs to it changed and is not used: {Reason}")]
    internal static partial void CertificateKept(this ILogger logger, string file, string reason);

    [LoggerMessage(8, LogLevel.Warning, "The link to {Endpoint} was refused. {Reason}")]
    internal static partial void LinkRefused(this ILogger logger, string endpoint, string reason);

    [LoggerMessage(9, LogLevel.Warning, "The certificate {File} is valid until {Until}: renew it")]
    internal static partial void CertificateEnds(this ILogger logger, string file, string until);

    [LoggerMessage(10, LogLevel.Information, "{Node} joined")]
    internal static partial void NodeJoined(this ILogger logger, NodeId node);

    [LoggerMessage(11, LogLevel.Information, "{Node} listens at {Link} ({Wire}) and uses the store {Store}")]
    internal static partial void NodeListens(
        this ILogger logger, NodeId node, string link, string wire, string store);

    [LoggerMessage(12, LogLevel.Information, "{Node} was asked to stop: its VMs settle and go to others")]
    internal static partial void NodeStops(this ILogger logger, NodeId node);

    [LoggerMessage(13, LogLevel.Information, "{Node} left")]
    internal static partial void NodeLeft(this ILogger logger, NodeId node);

    [LoggerMessage(14, LogLevel.Warning, "{Node} could not settle within {TimeoutMs} ms and ends as if killed")]
    internal static partial void NodeStoppedHard(this ILogger logger, NodeId node, double timeoutMs);

    [LoggerMessage(42, LogLevel.Information, "{Node} drains: it takes no VM any more, and gives {Vms} away")]
    internal static partial void NodeDrains(this ILogger logger, NodeId node, int vms);

    [LoggerMessage(43, LogLevel.Information, "{Node} has given {Moved} VMs away")]
    internal static partial void NodeDrained(this ILogger logger, NodeId node, int moved);

    [LoggerMessage(
        44, LogLevel.Warning, "{Node} has given {Moved} VMs away; {Left} are left to be taken over. {Reason}")]
    internal static partial void DrainEndedEarly(
        this ILogger logger, NodeId node, int moved, int left, string reason);

    [LoggerMessage(15, LogLevel.Warning, "{Node} could not renew its lease in time: its guests stand still")]
    internal static partial void LeaseLost(this ILogger logger, NodeId node);

    [LoggerMessage(16, LogLevel.Information, "{Node} renewed its lease again: its guests go on")]
    internal static partial void LeaseRegained(this ILogger logger, NodeId node);

    [LoggerMessage(17, LogLevel.Error, "{Node} was declared dead by others and must end")]
    internal static partial void DeclaredDead(this ILogger logger, NodeId node);

    [LoggerMessage(18, LogLevel.Information, "{Predecessor} is dead (its process is gone); its name is taken over")]
    internal static partial void PredecessorDead(this ILogger logger, NodeId predecessor);

    [LoggerMessage(19, LogLevel.Warning, "{Peer} is dead ({Evidence})")]
    internal static partial void PeerDead(this ILogger logger, NodeId peer, DeathEvidence evidence);

    [LoggerMessage(20, LogLevel.Warning, "The store gave no answer to {What}: {Reason}")]
    internal static partial void StoreTrouble(this ILogger logger, string what, string reason);

    [LoggerMessage(21, LogLevel.Warning, "No flight recorder at {Folder}: {Reason}")]
    internal static partial void NoFlightRecorder(this ILogger logger, string folder, string reason);

    [LoggerMessage(30, LogLevel.Information, "VM {Vm} of {From} was claimed under epoch {Epoch}")]
    internal static partial void VmClaimed(this ILogger logger, VmId vm, string from, Epoch epoch);

    [LoggerMessage(31, LogLevel.Warning, "VM {Vm} cannot be claimed: {Reason}")]
    internal static partial void VmUnclaimable(this ILogger logger, VmId vm, string reason);

    [LoggerMessage(32, LogLevel.Information,
        "VM {Vm} was rebuilt under epoch {Epoch} at VM time {VmTime}: {Events} events replayed in {ElapsedMs} ms")]
    internal static partial void VmRebuilt(
        this ILogger logger, VmId vm, Epoch epoch, ulong vmTime, int events, double elapsedMs);

    [LoggerMessage(33, LogLevel.Error, "VM {Vm} was quarantined: {Reason}")]
    internal static partial void VmQuarantined(this ILogger logger, VmId vm, string reason);

    [LoggerMessage(34, LogLevel.Warning, "VM {Vm} belongs to another node now (epoch {Offered} was refused)")]
    internal static partial void VmFenced(this ILogger logger, VmId vm, Epoch offered);

    [LoggerMessage(35, LogLevel.Error, "VM {Vm} failed: {Reason}")]
    internal static partial void VmFailed(this ILogger logger, VmId vm, string reason);

    [LoggerMessage(40, LogLevel.Information, "Migration {Migration} of {Vm}: {Phase} took {ElapsedMs} ms")]
    internal static partial void MigrationPhaseEnded(
        this ILogger logger, MigrationId migration, VmId vm, string phase, double elapsedMs);

    [LoggerMessage(41, LogLevel.Information, "Migration {Migration} of {Vm} ended: {Outcome}")]
    internal static partial void MigrationEnded(this ILogger logger, MigrationId migration, VmId vm, string outcome);

    [LoggerMessage(50, LogLevel.Information, "A VM of its own was created, moved and taken over in {ElapsedMs} ms")]
    internal static partial void Rehearsed(this ILogger logger, double elapsedMs);

    [LoggerMessage(52, LogLevel.Warning, "{Note}")]
    internal static partial void EngineNote(this ILogger logger, string note);

    [LoggerMessage(51, LogLevel.Warning,
        "The rehearsal failed, so the first VM that is moved or taken over waits for code to be compiled. {Reason}")]
    internal static partial void RehearsalFailed(this ILogger logger, string reason);
}
