// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Serialization;
using KvmActors.Host.Configuration;
using KvmActors.Persistence.Files;

namespace KvmActors.Host.Control.Reports;

/// <summary>What is in a saved VM's file, as JSON shows it.</summary>
/// <param name="Contents">Different pages: a content stands once in the file.</param>
/// <param name="Sha256">The file's checksum.</param>
internal sealed record SavedVmReport(
    string Vm,
    string File,
    string Node,
    string HostVendor,
    int Vcpus,
    ulong MemoryBytes,
    ulong VmTime,
    ulong Instructions,
    ulong ConsoleBytes,
    string State,
    string Memory,
    long Bytes,
    int Pages,
    int Contents,
    string Sha256)
{
    [JsonIgnore]
    public string Sentence => string.Create(
        CultureInfo.InvariantCulture,
        $"{Vm} at VM time {VmTime} is in {File}: {Bytes:N0} bytes, {Pages:N0} pages of {Contents:N0} contents, "
        + $"SHA-256 {Sha256}.");

    /// <summary>Reads a file whole and checks all of it.</summary>
    /// <exception cref="SavedVmException">No saved VM, or a damaged one.</exception>
    public static async Task<SavedVmReport> ReadAsync(Stream file, string path, CancellationToken stop)
    {
        using SavedVmReader reader = await SavedVmReader.OpenAsync(file, stop).ConfigureAwait(false);
        int contents = 0;
        await foreach (ImmutableArray<SavedPage> pages in reader.ReadPagesAsync(stop).ConfigureAwait(false))
        {
            contents += pages.Count(page => page.SameAs is null);
        }

        SavedVm saved = reader.Saved;
        return new SavedVmReport(
            saved.Vm.ToString(),
            path,
            saved.Node.ToString(),
            ConfigurationWords.Of(saved.Machine.HostVendor),
            saved.Created.Spec.VcpuCount,
            saved.Created.Spec.MemoryBytes,
            saved.Machine.VmTime,
            saved.InstructionsRetired,
            saved.Machine.ConsoleBytes,
            saved.State.ToString(),
            saved.Memory.ToString(),
            reader.BytesRead,
            saved.PageCount,
            contents,
            reader.Checksum!.Value.Hex);
    }
}
