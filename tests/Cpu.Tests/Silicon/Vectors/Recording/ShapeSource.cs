// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Tests.Fpu;
using KvmActors.Cpu.Tests.Simd;

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>The shapes of one file: forms from the live tests, then the same where they fault.</summary>
/// <param name="random">Chooses encodings.</param>
/// <param name="step">1 for every form; more for each so many.</param>
internal sealed class ShapeSource(Random random, int step)
{
    private const int FaultTries = 40;
    private const int FaultCount = 6;
    private const int LockCount = 2;

    private readonly ShapeMaker _maker = new(random);

    public IEnumerable<VectorShape> Integers(VectorPlan plan)
    {
        CaseGenerator generator = new(Origin(plan), plan.Bits);
        return Some(InstructionForms.Of(plan.Bits))
            .SelectMany(code => OfForm(code, plan, () => Generate(generator, code)));
    }

    public IEnumerable<VectorShape> Simd(VectorPlan plan)
    {
        CaseGenerator generator = new(Origin(plan), plan.Bits, new VectorContents());
        return Some(SimdForms.Of(plan.Bits)).SelectMany(code => OfForm(code, plan, () => Generate(generator, code)));
    }

    public IEnumerable<VectorShape> Fpu(VectorPlan plan)
    {
        FpuCaseGenerator generator = new(Origin(plan), plan.Bits);
        return Some(FpuForms.Of(plan.Bits).Append(Code.Wait))
            .SelectMany(code => OfForm(code, plan, () => generator.Make(code, random)));
    }

    public IEnumerable<VectorShape> System(VectorPlan plan) => Enumerable.Range(0, plan.Shapes)
        .SelectMany(_ => SystemForms.Of(plan.Bits, random))
        .Select(made => _maker.Make(made, plan));

    public IEnumerable<VectorShape> Images(VectorPlan plan) => Enumerable.Range(0, plan.Shapes)
        .SelectMany(_ => SystemForms.WithFx(plan.Bits, random))
        .Select(made => _maker.Make(made, plan));

    public IEnumerable<VectorShape> Segments(VectorPlan plan) => Enumerable.Range(0, plan.Shapes)
        .SelectMany(_ => SegmentForms.Of(plan.Bits, random).Concat(FarForms.Of(plan.Bits, random)))
        .Select(form => _maker.Make(form.Made, plan, form.Needs));

    private IEnumerable<Code> Some(IEnumerable<Code> forms) => forms.Where((_, index) => index % step == 0);

    private static ulong Origin(VectorPlan plan) => plan.Bits == 16 ? 0 : VectorLayout.BlockBase;

    private SiliconCase Generate(CaseGenerator generator, Code code) => generator.TryMake(code, random)
        ?? throw new InvalidOperationException($"No case of {code} can be made.");

    private IEnumerable<VectorShape> OfForm(Code code, VectorPlan plan, Func<SiliconCase> make)
    {
        int shapes = code.ToOpCode().OpCount == 0 ? Math.Max(1, plan.Shapes / 4) : plan.Shapes;
        for (int shape = 0; shape < shapes; shape++)
        {
            yield return _maker.Make(make(), plan);
        }

        VectorPlan few = plan with { CountPerShape = FaultCount, FullPerShape = 1 };
        foreach (FaultKind kind in Enum.GetValues<FaultKind>())
        {
            for (int attempt = 0; attempt < FaultTries; attempt++)
            {
                if (FaultCases.TryMove(make(), kind, random) is { } moved)
                {
                    yield return _maker.Make(moved, few);
                    break;
                }
            }
        }

        if (WithLock(make()) is { } locked)
        {
            yield return _maker.Make(locked, few with { CountPerShape = LockCount });
        }
    }

    /// <summary>LOCK before what cannot have it: #UD.</summary>
    private static SiliconCase? WithLock(SiliconCase made)
    {
        const byte LockPrefix = 0xF0;
        bool canLock = made.Instructions[0].Code.ToOpCode().CanUseLockPrefix;
        return canLock || made.Bytes.Length == 15 ? null : new SiliconCase
        {
            Instructions = made.Instructions,
            Bits = made.Bits,
            Bytes = [LockPrefix, .. made.Bytes],
            Address = made.Address,
            Gprs = made.Gprs,
            RFlags = made.RFlags,
            Data = made.Data,
            Stack = made.Stack,
            FxState = made.FxState,
            UndefinedFlags = 0,
        };
    }
}
