// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Memory;

/// <summary>What a vCPU is told about writes, because it caches translations and decoded code.</summary>
internal interface IMemoryObserver
{
    /// <summary>Every page may be clean again: the next write to any page must be seen.</summary>
    void DropWriteTranslations();

    /// <summary>The next write to this page must be seen: it got its first decoded block, or a translation was read
    /// from it.</summary>
    void DropWriteTranslations(int pageNumber);

    /// <summary>Bytes of a page with the code bit change. Blocks decoded from them must not run again.</summary>
    /// <returns>True if blocks of that page remain, so that its code bit has to stay.</returns>
    bool CodeWritten(int pageNumber, int offsetInPage, int length);

    /// <summary>A page table changes. No translation that was made so far may be used again.</summary>
    void DropTranslations();
}
