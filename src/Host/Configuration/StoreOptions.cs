// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.store</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
internal sealed record StoreOptions(string Path, TimeSpan CommitTimeout, bool FlushAtCommit);
