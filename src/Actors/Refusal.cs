// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors;

/// <summary>Why a command was not done: what was expected, what was found, and what to do. A result, never an
/// exception.</summary>
/// <param name="Expected">Continues the sentence "Expected …".</param>
/// <param name="Found">Continues the sentence "found …".</param>
/// <param name="WhatToDo">A whole sentence.</param>
public sealed record Refusal(RefusalKind Kind, string Expected, string Found, string WhatToDo)
{
    public string Sentence => $"Expected {Expected}; found {Found}. {WhatToDo}";

    public override string ToString() => Sentence;
}
