// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>An actor's neighbours in the order of birth. Belongs to its parent's <see cref="ChildTable"/>, under that
/// one's lock.</summary>
internal struct Siblings
{
    public ActorCell? Older { get; set; }

    public ActorCell? Younger { get; set; }
}
