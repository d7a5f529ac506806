// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Torture.Clients;

/// <summary>A command and what came of it.</summary>
/// <param name="What">type, pause, resume, migrate…</param>
/// <param name="Typed">The letters, where it typed some.</param>
/// <param name="IsDone">False where it was refused.</param>
/// <param name="Reply">What was answered, or the refusal's sentence.</param>
/// <param name="AskAgain">Sends it again under the same ids.</param>
internal sealed record Answered(
    string Vm,
    CommandRef Command,
    string What,
    string Typed,
    bool IsDone,
    string Reply,
    Func<Task<string>>? AskAgain);
