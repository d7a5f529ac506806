// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit;

/// <summary>An expectation of a <see cref="TestProbe"/> did not hold. The message says what was expected and what
/// came.</summary>
public sealed class ProbeException(string message) : Exception(message);
