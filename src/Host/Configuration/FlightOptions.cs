// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Hocon;

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.flight</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
/// <param name="Folder">Null: beside the store's file, or in the working directory.</param>
/// <param name="Events">How many are kept; 0: none.</param>
internal sealed record FlightOptions(string? Folder, int Events)
{
    public static FlightOptions Bind(HoconConfig config) => new(
        config.GetOptionalText("kvmactors.flight.folder"),
        (int)config.GetInteger("kvmactors.flight.events", 0, 1_000_000));

    /// <summary>Where the files go.</summary>
    public string FolderFor(StoreOptions store) => Folder ?? Path.Combine(
        store.Kind == StoreKind.Sqlite ? Path.GetDirectoryName(Path.GetFullPath(store.Path))! : "", "flight");
}
