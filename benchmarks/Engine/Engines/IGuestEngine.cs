// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Benchmarks.Engine.Engines;

/// <summary>Something that runs an image of <see cref="Guests.GuestImage"/> to its end.</summary>
internal interface IGuestEngine
{
    /// <summary>A column's head.</summary>
    string Name { get; }

    /// <summary>True if it takes <see cref="Guests.GuestRounds.Some"/> for its long run.</summary>
    bool Interprets { get; }

    /// <summary>Whether an image of so many bytes can be run.</summary>
    bool Takes(int imageBytes) => true;

    /// <exception cref="InvalidOperationException">The guest came to another end than its own.</exception>
    GuestRun Run(byte[] image);
}
