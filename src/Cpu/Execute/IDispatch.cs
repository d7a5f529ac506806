// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: lets one handler source be compiled for the loop and for threaded code.
// SAFETY: a block ends with a micro-operation that leaves it, so that there always is a next one.

/// <summary>How a handler hands over to the next micro-operation.</summary>
internal unsafe interface IDispatch
{
    /// <summary>To be returned by a handler whose instruction retired inside its block.</summary>
    static abstract Uop* Next(CpuState* state, Uop* uop);

    /// <summary>To be returned by a handler that entered another block.</summary>
    static abstract Uop* Enter(CpuState* state, Uop* first);
}
