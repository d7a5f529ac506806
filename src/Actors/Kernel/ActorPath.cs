// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>The form of a path: "/user/vm/web", a name between any two slashes.</summary>
internal static class ActorPath
{
    /// <summary>The root of all actors that users make.</summary>
    public const string Root = "user";

    /// <exception cref="ArgumentException">Not fit for a name. Null is: the parent then gives one.</exception>
    public static void Check(string? name)
    {
        if (name is null)
        {
            return;
        }

        if (name.Length == 0 || name.Contains('/') || name[0] == '$')
        {
            throw new ArgumentException(
                $"\"{name}\" is no name for an actor: it must not be empty, hold a slash, or begin with $.",
                nameof(name));
        }
    }
}
