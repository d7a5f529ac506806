// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.Reports;
using KvmActors.Host.Security;

namespace KvmActors.Host.Cli;

/// <summary>A saved VM's file in the making: written under another name in the same folder, and there under its own
/// only when it is whole, was read back, and is on the disk. The guest's memory is in it, so that
/// its owner alone can read it. Whatever happens before, nothing is left.</summary>
internal sealed class SavingFile : IDisposable
{
    private readonly string _path;
    private readonly string _partPath;
    private readonly bool _replaces;
    private readonly FileStream _part;

    /// <exception cref="CliFault">The file is there already, or cannot be written.</exception>
    public SavingFile(string path, bool replaces)
    {
        _path = Path.GetFullPath(path);
        _replaces = replaces;
        if (Directory.Exists(_path))
        {
            throw new CliFault($"Expected a file at {path}, found a folder. Name a file in it.");
        }

        if (!replaces && File.Exists(_path))
        {
            throw Exists();
        }

        _partPath = $"{_path}.{Guid.NewGuid().ToString("n")[..8]}.part";
        try
        {
            _part = PrivateFile.Create(_partPath);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault($"Expected to write {path}, found: {fault.Message} Name a folder you can write.", fault);
        }
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        try
        {
            await _part.WriteAsync(bytes, stop).ConfigureAwait(false);
        }
        catch (IOException fault)
        {
            throw new CliFault($"Expected room for {_path}, found: {fault.Message} Nothing of it is left.", fault);
        }
    }

    /// <exception cref="Persistence.Files.SavedVmException">What came is not whole.</exception>
    public async Task<SavedVmReport> FinishAsync(CancellationToken stop)
    {
        await _part.FlushAsync(stop).ConfigureAwait(false);
        _part.Flush(flushToDisk: true);
        _part.Position = 0;
        SavedVmReport report = await SavedVmReport.ReadAsync(_part, _path, stop).ConfigureAwait(false);
        try
        {
            File.Move(_partPath, _path, _replaces);
        }
        catch (IOException fault) when (File.Exists(_path))
        {
            throw Exists(fault);
        }

        return report;
    }

    public void Dispose()
    {
        _part.Dispose();
        File.Delete(_partPath);
    }

    private CliFault Exists(Exception? inner = null) => new(
        $"Expected no file at {_path}, found one. Name another file, or replace it with --force.", inner);
}
