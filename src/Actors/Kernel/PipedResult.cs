// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Work that went on outside of the mailbox, completed. Turned into a message in the actor's turn.</summary>
internal abstract class PipedResult(int incarnation)
{
    /// <summary>Which instance of the actor began it.</summary>
    public int Incarnation { get; } = incarnation;

    public abstract object ToMessage();
}

/// <summary>One piece of work with a result.</summary>
internal sealed class PipedResult<T>(
    int incarnation, Task<T> work, Func<T, object> success, Func<Exception, object> failure) : PipedResult(incarnation)
{
    public override object ToMessage()
    {
        T result;
        try
        {
            result = work.GetAwaiter().GetResult();
        }
        catch (Exception cause)
        {
            return failure(cause);
        }

        return success(result);
    }
}
