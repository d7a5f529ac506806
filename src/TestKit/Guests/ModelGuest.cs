// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KvmActors.Actors.Vm;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Machine;
using KvmActors.Machine.Devices;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Time;

namespace KvmActors.TestKit.Guests;

/// <summary>A guest without an instruction set: it computes, prints, writes memory, executes one hypercall site and
/// reads its console at fixed VM times, each step mixed into its registers, so that any lost, repeated or reordered
/// step shows in its hash.</summary>
/// <remarks>Deterministic as the real machine is: how its run is cut into slices leaves no trace.</remarks>
public sealed class ModelGuest : IGuest
{
    /// <summary>Ticks between two looks at <see cref="SliceLimits.ShouldYield"/>.</summary>
    public const ulong PollTicks = 50_000;

    /// <summary>Bytes of input that may wait.</summary>
    public const int InputBytesMax = 64;

    /// <summary>GPA of the three bytes of the hypercall site.</summary>
    public const ulong SiteGpa = 0x800;

    /// <summary>What it writes to the debug exit port.</summary>
    public const uint ExitValue = 0x10;

    private static readonly byte[] s_vmcall = [0x0f, 0x01, 0xc1];
    private static readonly byte[] s_vmmcall = [0x0f, 0x01, 0xd9];

    // A vCPU does what is due in so many ticks, then the next one.
    private const ulong TurnTicks = 10_000;

    // The leaf that may answer in turn.
    private const uint CpuidLeaf = 2;

    private readonly ModelProgram _program;
    private readonly GuestMemory _memory;
    private readonly List<byte> _console = [];
    private readonly List<HypercallPatch> _patches = [];
    private readonly SortedDictionary<ulong, HypercallPatch> _sites = [];
    private MachineState _state;
    private int _doer;
    private readonly UInt128[] _pageSums;
    private UInt128 _memorySum;
    private ulong _consoleBytes;

    private ModelGuest(MachineSpec spec, ModelProgram program, MachineState state)
    {
        Spec = spec;
        _program = program;
        _state = state;
        _consoleBytes = state.ConsoleBytes;
        _memory = new GuestMemory(spec.MemoryBytes);
        _pageSums = new UInt128[_memory.PageCount];
        foreach (HypercallPatch site in state.PatchSites)
        {
            _sites[site.Gpa.Value] = site;
        }
    }

    public MachineSpec Spec { get; }

    public ulong VmTime => _state.VmTime;

    public ulong InstructionsRetired => _state.VmTime;

    public MachineEnd? End => _state.End;

    public HostVendor HostVendor
    {
        get => _state.HostVendor;
        set => _state = _state with { HostVendor = value };
    }

    public int PageCount => _memory.PageCount;

    public int InputRoomBytes => InputBytesMax - Received.Length;

    private ImmutableArray<byte> Received
    {
        get => _state.Platform.Serial.Received;
        set => _state = _state with
        {
            Platform = _state.Platform with { Serial = _state.Platform.Serial with { Received = value } },
        };
    }

    internal static ModelGuest Create(
        MachineSpec spec,
        ModelProgram program,
        ReadOnlySpan<byte> image,
        ImmutableArray<CpuidTable> cpuid,
        HostVendor vendor)
    {
        using GuestMemory scratch = new(GuestMemory.PageBytes);
        VcpuState Fresh(int index)
        {
            using KvmActors.Cpu.Vcpu vcpu = new(index, scratch);
            return vcpu.Save() with { Cpuid = cpuid[index], Observed = [] };
        }

        MachineState state = new(
            VmTime: 0,
            vendor,
            Turn: 0,
            Runner: 0,
            spec.TurnTicks,
            ConsoleBytes: 0,
            End: null,
            [.. Enumerable.Range(0, spec.VcpuCount).Select(Fresh)],
            PlatformState.PowerOn,
            PatchSites: []);
        ModelGuest guest = new(spec, program, state);
        guest._memory.Write(new Gpa(0), image);
        guest._memory.Write(new Gpa(SiteGpa), s_vmcall);
        return guest;
    }

    internal static ModelGuest Restore(
        MachineSpec spec, MachineState state, IEnumerable<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages)
    {
        List<(int PageNumber, ReadOnlyMemory<byte> Bytes)> all = [.. pages];
        ReadOnlySpan<byte> first = all.Single(page => page.PageNumber == 0).Bytes.Span;
        ReadOnlySpan<byte> image = first[..first.IndexOf((byte)0)];
        ModelGuest guest = new(spec, ModelProgram.Parse(image)!, state);
        foreach ((int pageNumber, ReadOnlyMemory<byte> bytes) in all)
        {
            guest._memory.Write(new Gpa((ulong)pageNumber * GuestMemory.PageBytes), bytes.Span);
        }

        _ = guest._memory.TakeDirty(DirtyReader.Snapshot);
        _ = guest._memory.TakeDirty(DirtyReader.Migration);
        return guest;
    }

    public void SetCpuid(int vcpu, CpuidTable table) => Change(vcpu, state => state with { Cpuid = table });

    public void InjectInput(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, InputRoomBytes);
        Received = [.. Received, .. bytes];
    }

    public SliceResult RunSlice(SliceLimits limits)
    {
        SliceStop stop = RunUntilStop(limits);
        SliceResult result = new(
            stop, VmTime, InstructionsRetired, _consoleBytes, _console.ToArray(), [.. _patches]);
        _consoleBytes += (ulong)_console.Count;
        _console.Clear();
        _patches.Clear();
        return result;
    }

    public MachineState Save() => _state with
    {
        ConsoleBytes = _consoleBytes,
        Vcpus = [.. _state.Vcpus.Select((vcpu, index) => vcpu with { InstructionsRetired = Share(index) })],
        PatchSites = [.. _sites.Values],
    };

    public StateHash HashState() => StateHasher.Hash(Save());

    public PageCopies CopyPages() => new(_memory);

    public PendingMemorySum CaptureMemory(PageCopies copies)
    {
        MemorySum now = SumMemory();
        return new PendingMemorySum(() => now);
    }

    public MemorySum SumMemory()
    {
        foreach (int page in _memory.TakeDirty(DirtyReader.Hash))
        {
            _memorySum -= _pageSums[page];
            _pageSums[page] = IsZero(page) ? 0 : SumOf(page);
            _memorySum += _pageSums[page];
        }

        return new MemorySum(_memorySum);
    }

    public ReadOnlySpan<byte> Page(int pageNumber) => _memory.Page(pageNumber);

    public bool IsZero(int pageNumber) => _memory.IsZero(pageNumber);

    public ImmutableArray<int> TakeDirty(DirtyReader reader) => _memory.TakeDirty(reader);

    public void Dispose() => _memory.Dispose();

    private UInt128 SumOf(int page)
    {
        Span<byte> buffer = stackalloc byte[8 + GuestMemory.PageBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(buffer, (ulong)page * GuestMemory.PageBytes);
        Page(page).CopyTo(buffer[8..]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData(buffer, digest);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }

    /// <summary>Of the instructions so far, those of one vCPU: they take turns of one.</summary>
    private ulong Share(int vcpu)
    {
        ulong count = (ulong)_state.Vcpus.Length;
        return (VmTime / count) + (VmTime % count > (ulong)vcpu ? 1UL : 0);
    }

    private void Change(int vcpu, Func<VcpuState, VcpuState> change) =>
        _state = _state with { Vcpus = _state.Vcpus.SetItem(vcpu, change(_state.Vcpus[vcpu])) };

    private SliceStop RunUntilStop(SliceLimits limits)
    {
        ulong polled = VmTime;
        while (End is null)
        {
            if (VmTime >= limits.UntilVmTime)
            {
                return SliceStop.LimitReached;
            }

            if (VmTime - polled >= PollTicks)
            {
                polled = VmTime;
                if (limits.ShouldYield())
                {
                    return SliceStop.Yielded;
                }
            }

            ulong next = Math.Min(NextDeed(), Math.Min(limits.UntilVmTime, polled + PollTicks));
            if (next == NextDeed())
            {
                Do(next);
            }

            _state = _state with { VmTime = next };
        }

        return SliceStop.Ended;
    }

    private ulong NextDeed()
    {
        ulong next = _program.EndAt;
        foreach (ulong every in
            (ReadOnlySpan<ulong>)[_program.PrintEvery, _program.WriteEvery, _program.CallEvery, _program.ReadEvery])
        {
            next = Math.Min(next, ((VmTime / every) + 1) * every);
        }

        return next;
    }

    private void Do(ulong vmTime)
    {
        _doer = (int)(vmTime / TurnTicks % (ulong)_state.Vcpus.Length);
        Mix(vmTime);
        if (vmTime % _program.WriteEvery == 0)
        {
            WriteMemory();
        }

        if (vmTime % _program.CallEvery == 0)
        {
            Call(vmTime - 1);
        }

        if (vmTime % _program.ReadEvery == 0)
        {
            ReadInput();
            ReadCpuid(vmTime);
        }

        if (vmTime % _program.PrintEvery == 0)
        {
            Print(string.Create(CultureInfo.InvariantCulture, $"{vmTime} {_state.Vcpus[_doer].Gprs[0]:x16}\n"));
        }

        if (vmTime >= _program.EndAt)
        {
            _state = _state with { End = new MachineEnd.DebugExit(ExitValue) };
        }
    }

    /// <summary>As a vCPU would: by the VM's dialect, with a record of what was read.</summary>
    private void ReadCpuid(ulong vmTime)
    {
        VcpuState vcpu = _state.Vcpus[_doer];
        CpuidTable table = vcpu.Cpuid;
        CpuidRegisters registers = Spec.CpuidDialect == CpuidDialect.Kvm2007
            ? CpuidKvm2007.Read(ref table, CpuidLeaf, 0, default)
            : table.Query(CpuidLeaf, 0, default);
        ulong before = vcpu.Observed.IsEmpty ? 0 : vcpu.Observed[0].Reads;
        ulong first = vcpu.Observed.IsEmpty ? vmTime : vcpu.Observed[0].FirstVmTime;
        CpuidObservation observation = new(CpuidLeaf, 0, first, before + 1);
        Change(_doer, state => state with { Cpuid = table, Observed = [observation] });
        Mix(registers.Eax);
    }

    private void Mix(ulong value)
    {
        ulong mixed = (_state.Vcpus[_doer].Gprs[0] ^ value) * 0x9E37_79B9_7F4A_7C15;
        mixed ^= mixed >> 29;
        Change(_doer, state => state with { Gprs = state.Gprs.SetItem(0, mixed) });
    }

    private void WriteMemory()
    {
        ulong random = _state.Vcpus[_doer].Gprs[0];
        ulong page = 1 + (random % (ulong)(PageCount - 1));
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, random);
        _memory.Write(new Gpa((page * GuestMemory.PageBytes) + (random >> 32 & 0xFF8)), bytes);
    }

    private void Call(ulong vmTime)
    {
        byte[] before = new byte[3];
        _memory.Read(new Gpa(SiteGpa), before);
        byte[] native = HostVendor == HostVendor.Intel ? s_vmcall : s_vmmcall;
        if (before.AsSpan().SequenceEqual(native))
        {
            return;
        }

        _memory.Write(new Gpa(SiteGpa), native);
        HypercallPatch patch = new(
            _doer, vmTime, new Gva(SiteGpa), new Gpa(SiteGpa), [.. before], [.. native], HostVendor);
        _patches.Add(patch);
        _sites[SiteGpa] = patch;
    }

    private void ReadInput()
    {
        foreach (byte received in Received)
        {
            Mix(received);
            Print($"<{(char)received}>");
        }

        Received = [];
    }

    private void Print(string text) => _console.AddRange(Encoding.ASCII.GetBytes(text));
}
