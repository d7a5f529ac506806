// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Why a question has no answer. The cases are those of <see cref="AskResult{T}"/>.</summary>
public enum AskOutcome
{
    TimedOut = 1,
    Refused = 2,
    Failed = 3,
    Unexpected = 4,
}
