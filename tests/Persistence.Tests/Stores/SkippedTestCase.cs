// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Tests.Postgres;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary>A test that is not run, because its server is not there.</summary>
public sealed class SkippedTestCase : XunitTestCase
{
    [Obsolete("For the test framework, which makes one to read it from its bytes.")]
    public SkippedTestCase()
    {
    }

    public SkippedTestCase(IMessageSink messages, ITestFrameworkDiscoveryOptions options, ITestMethod testMethod)
        : base(messages, options.MethodDisplayOrDefault(), options.MethodDisplayOptionsOrDefault(), testMethod)
    {
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute) => PostgresPrograms.Missing!;
}
