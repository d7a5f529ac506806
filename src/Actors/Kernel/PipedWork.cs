// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>One piece of work with a result.</summary>
internal sealed class PipedWork<T>(
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
