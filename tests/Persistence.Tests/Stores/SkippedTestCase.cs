// SPDX-License-Identifier: Apache-2.0

using Xunit.Abstractions;
using Xunit.Sdk;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary>A test that is not run, with its reason.</summary>
public sealed class SkippedTestCase : XunitTestCase
{
    private string _reason = "";

    [Obsolete("For the test framework, which makes one to read it from its bytes.")]
    public SkippedTestCase()
    {
    }

    public SkippedTestCase(
        IMessageSink messages, ITestFrameworkDiscoveryOptions options, ITestMethod testMethod, string reason)
        : base(
            messages, options.MethodDisplayOrDefault(), options.MethodDisplayOptionsOrDefault(), testMethod)
    {
        _reason = reason;
        SkipReason = reason;
    }

    public override void Serialize(IXunitSerializationInfo data)
    {
        ArgumentNullException.ThrowIfNull(data);
        base.Serialize(data);
        data.AddValue(nameof(_reason), _reason);
    }

    public override void Deserialize(IXunitSerializationInfo data)
    {
        ArgumentNullException.ThrowIfNull(data);
        base.Deserialize(data);
        _reason = data.GetValue<string>(nameof(_reason));
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute) => _reason;
}
