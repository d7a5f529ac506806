// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see CodeMemory: the same loops run several times as fast as host code.
// SAFETY: host code is written only between two runs of host code, on the vCPU's own thread. Blocks it names live until
// OnDropped, which forgets all host code.

/// <summary>The fast tier of one vCPU: counts how often blocks are entered, and makes host code of those that are
/// hot.</summary>
/// <remarks>The state at every exit is what the interpreter would have left, so that either can go on at any
/// instruction. Whatever has no form here, the interpreter executes.</remarks>
internal sealed unsafe class TranslatorTier : IBlockTier
{
    /// <summary>Bound on the memory for host code of one vCPU. At the bound all of it is dropped.</summary>
    public const int CodeBytesMax = 32 << 20;

    /// <summary>Times that code of a page may be overwritten, soon after the last time and with translations between,
    /// before the page stays with the interpreter.</summary>
    public const int OverwritesMax = 16;

    /// <summary>Translations anywhere after which a page's earlier changes are forgotten.</summary>
    private const long TranslationsRemembered = 4096;

    private readonly int _codeBytes;
    private readonly Func<long>? _clock;
    private readonly BlockTranslation _translation = new();
    private readonly GuestCodeReader _reader = new();
    private readonly Dictionary<int, (int Times, long Translations)> _overwrites = [];
    private readonly Decoder _decoder;
    private CodeMemory? _memory;
    private HostCodeWriter? _writer;
    private TierData* _data;
    private CpuState* _state;
    private bool _isRefused;
    private long _blocksTranslated;
    private long _instructionsTranslated;
    private long _hostBytes;
    private long _translationTime;

    /// <param name="hotEntries">Entries of a block before it is translated.</param>
    /// <param name="codeBytes">Bound on the memory for host code.</param>
    /// <param name="clock">What translation is measured by, or null.</param>
    public TranslatorTier(int hotEntries, int codeBytes = CodeBytesMax, Func<long>? clock = null)
    {
        _clock = clock;
        HotEntries = hotEntries;
        _codeBytes = codeBytes;
        _decoder = Decoder.Create(64, _reader);
        _data = (TierData*)NativeMemory.AllocZeroed((nuint)sizeof(TierData));
    }

    ~TranslatorTier() => Release();

    /// <summary>Entries of a block before it is translated.</summary>
    public int HotEntries { get; }

    public bool IsFull => _writer is { HasRoom: false };

    /// <summary>What has been done so far.</summary>
    public EngineStatistics Statistics => new()
    {
        HasTranslator = !_isRefused,
        BlocksTranslated = _blocksTranslated,
        InstructionsTranslated = _instructionsTranslated,
        HostBytes = _hostBytes,
        HostCodeEntries = _data->Entries,
        TlbFills = _data->Fills,
        Steps = _data->Steps,
        HostCodeInstructions = (ulong)_data->Instructions,
        TranslationTime = _translationTime,
    };

    public void OnAdded(Block* block)
    {
        if (block->Mode == CpuMode.Long64 && block->SecondPage == Block.NoPage && !_isRefused
            && _overwrites.GetValueOrDefault(block->Page).Times < OverwritesMax)
        {
            Uop* entry = block->First - 1;
            *entry = default;
            entry->Handler = &TierEntry.Count;
            entry->Displacement = (ulong)HotEntries;
            block->Entry = entry;
        }
    }

    public void OnOverwritten(Block* block)
    {
        (int times, long last) = _overwrites.GetValueOrDefault(block->Page);
        long between = _blocksTranslated - last;
        if (times == 0 || between > 0)
        {
            times = between > TranslationsRemembered ? 1 : times + 1;
            _overwrites[block->Page] = (times, _blocksTranslated);
        }
    }

    public void OnInvalidated(Block* block)
    {
        for (var link = (ExitRecord*)block->HostLinks; link != null; link = link->NextLink)
        {
            // Back to its own stub.
            HostAssembler.SetTarget((byte*)link + link->Jump, (byte*)link - ExitRecord.StubBytes);
        }

        block->HostLinks = null;
        if (block->HostCode != null)
        {
            // Inline caches may lead there.
            _state->JumpEpoch++;
            block->HostCode = null;
        }
    }

    public void OnDropped()
    {
        _overwrites.Clear();
        _writer?.Reset();
        if (_state != null)
        {
            _state->JumpEpoch++;
        }
    }

    /// <summary>Makes host code of a block, and lets it be entered there from now on.</summary>
    /// <returns>False if the block stays with the interpreter.</returns>
    public bool TryTranslate(CpuState* state, Block* block)
    {
        if (!HasMemory() || !_writer!.HasRoom)
        {
            return false;
        }

        long begun = _clock?.Invoke() ?? 0;
        Decode(state, block);
        long before = _writer.UsedBytes;
        bool isWritten = _writer.TryWrite(_translation, block, state->Features);
        _translationTime += (_clock?.Invoke() ?? 0) - begun;
        if (!isWritten)
        {
            return false;
        }

        _blocksTranslated++;
        _instructionsTranslated += block->Count;
        _hostBytes += _writer.UsedBytes - before;
        Join(state);
        return true;
    }

    /// <summary>Lets a jump of host code lead to a block without a way around.</summary>
    public static void Link(ExitRecord* edge, Block* target, nint toExecutable)
    {
        var record = (ExitRecord*)((byte*)edge - toExecutable);
        HostAssembler.SetTarget((byte*)record + record->Jump, target->HostCode - toExecutable);
        record->NextLink = (ExitRecord*)target->HostLinks;
        target->HostLinks = record;
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Whole pages. A block of the smallest size that has any takes some four times as much code.</summary>
    private static int CacheBytesOf(int codeBytes) =>
        ((codeBytes / 4 / Environment.SystemPageSize) + 1) * Environment.SystemPageSize;

    /// <summary>The return stack keeps its top while it is the same.</summary>
    private void Join(CpuState* state)
    {
        if (state->TierData == _data && _state == state)
        {
            return;
        }

        _state = state;
        state->TierData = _data;
        state->ReturnTop = _writer!.Returns;
    }

    private bool HasMemory()
    {
        if (_memory is null && !_isRefused)
        {
            _memory = CodeMemory.TryCreate(_codeBytes, CacheBytesOf(_codeBytes));
            _isRefused = _memory is null;
            if (_memory is not null)
            {
                _writer = new HostCodeWriter(_memory, _data);
            }
        }

        return !_isRefused;
    }

    /// <summary>Decodes the block's bytes again; the cache drops a block before its bytes change.</summary>
    private void Decode(CpuState* state, Block* block)
    {
        byte* code = state->Ram + block->Physical;
        _reader.Reset(code, code + block->Bytes);
        _decoder.IP = block->Start;
        for (int index = 0; index < block->Count; index++)
        {
            _decoder.Decode(out _translation.Instructions[index]);
        }
    }

    private void Release()
    {
        _memory?.Dispose();
        _memory = null;
        NativeMemory.Free(_data);
        _data = null;
    }
}
