// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: the top is changed in its low byte alone, so it stays in the stack, which is aligned to its size. Each entry
// leads to an inline cache.

/// <summary>Predicts where RET leads: a ring of the inline caches of the last calls, as a processor has it of return
/// addresses.</summary>
/// <remarks>It only predicts: what RET finds on the guest's stack is compared with the address in the cache. Source:
/// Kaeli and Emma, "Branch History Table Prediction of Moving Target Branches Due to Subroutine Returns", ISCA 1991.
/// </remarks>
internal static unsafe class ReturnStack
{
    public const int SizeBytes = 256;
    public const int EntryBytes = 8;

    private const HostRegister Top = HostLayout.Third;
    private static readonly HostOperand s_top = HostLayout.Field(HostLayout.ReturnTopOffset);

    /// <summary>Behind a CALL: <see cref="HostLayout.Value"/> and <see cref="HostLayout.Third"/> change.</summary>
    /// <param name="code">Where to.</param>
    /// <param name="returnCache">Of the call's return address.</param>
    public static void Push(HostAssembler code, byte* returnCache)
    {
        code.Load(Top, s_top);
        code.Arithmetic(HostOpcode.Add, 1, Top, EntryBytes);
        code.Store(s_top, Top);
        code.LeaRelative(HostLayout.Value, returnCache);
        code.Store(new HostOperand(Top, 0), HostLayout.Value);
    }

    /// <summary>Leaves the inline cache on top in <see cref="HostLayout.Value"/>, and the top in
    /// <see cref="HostLayout.Third"/>.</summary>
    public static void Peek(HostAssembler code)
    {
        code.Load(Top, s_top);
        code.Load(HostLayout.Value, new HostOperand(Top, 0));
    }

    /// <summary>Goes one entry down in <see cref="HostLayout.Third"/>, which has the top.</summary>
    public static void Drop(HostAssembler code) => code.Arithmetic(HostOpcode.Sub, 1, Top, EntryBytes);

    /// <summary>Makes <see cref="HostLayout.Third"/> the top.</summary>
    public static void SetTop(HostAssembler code) => code.Store(s_top, Top);

    public static void LoadTop(HostAssembler code) => code.Load(Top, s_top);
}
