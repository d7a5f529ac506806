// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.rpc</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
internal sealed record RpcOptions(TimeSpan Timeout, TimeSpan ControlTimeout, int MessageBytesMax, int ConnectionsMax);
