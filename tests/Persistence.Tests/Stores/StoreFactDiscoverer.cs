// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Tests.Postgres;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary>Finds the facts of the contract in each class that derives from it.</summary>
public sealed class StoreFactDiscoverer(IMessageSink messages) : FactDiscoverer(messages)
{
    protected override IXunitTestCase CreateTestCase(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute)
    {
        ArgumentNullException.ThrowIfNull(testMethod);
        bool needsServer = testMethod.TestClass.Class.GetCustomAttributes(typeof(NeedsPostgresAttribute)).Any();
        return needsServer && PostgresPrograms.Missing is not null
            ? new SkippedTestCase(DiagnosticMessageSink, discoveryOptions, testMethod)
            : base.CreateTestCase(discoveryOptions, testMethod, factAttribute);
    }
}
