// SPDX-License-Identifier: Apache-2.0

using Xunit.Sdk;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary>A fact of the contract: runs once for each class that derives from it, and is skipped where that class
/// needs a server that is not there.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("KvmActors.Persistence.Tests.Stores.StoreFactDiscoverer", "KvmActors.Persistence.Tests")]
public sealed class StoreFactAttribute : FactAttribute;
