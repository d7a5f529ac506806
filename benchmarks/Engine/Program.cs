// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Engine;
using KvmActors.Benchmarks.Engine.Engines;
using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Cpu;

GuestProgram[] programs =
    [.. HotLoops.All, .. LargeCode.All, .. MemoryLoops.All, .. VectorLoops.All, .. SystemLoops.All];
BenchmarkOptions? options;
try
{
    options = BenchmarkOptions.Parse(args, [.. programs.Select(program => program.Name), .. Measurements.Names]);
}
catch (ArgumentException wrong)
{
    Console.Error.WriteLine(wrong.Message);
    return 2;
}

if (options is null)
{
    Console.WriteLine(BenchmarkOptions.Help);
    return 0;
}

DirectoryInfo folder = Directory.CreateTempSubdirectory("kvmactors-engine-");
try
{
    IGuestEngine[] own =
    [
        new OwnEngine(Report.Interpreter, new EngineOptions { Choice = EngineChoice.Interpreter }),
        new OwnEngine(Report.Translator, EngineOptions.Default),
    ];
    IGuestEngine[] peers = options.WithPeers ? [.. Peers.Installed(folder.FullName)] : [];
    Report report = new([.. own.Concat(peers).Select(engine => engine.Name)], options.AsJson);
    report.Start(Peers.DescribeHost(options));
    GuestProgram[] wanted = [.. programs.Where(program => options.Wants(program.Name))];
    if (wanted.Length > 0)
    {
        report.StartRows();
        EngineRates rates = new(own, peers, options.Rounds);
        foreach (GuestProgram program in wanted)
        {
            report.Add(rates.Measure(program));
        }

        report.AddMeans();
    }

    await Measurements.RunAsync(options, folder.FullName, report);
    report.End();
    return 0;
}
finally
{
    folder.Delete(recursive: true);
}
