// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>The bytes that pages lie in: lent by the link while it waits for the answer, and used for other messages
/// afterwards.</summary>
/// <remarks>Any thread. Whoever ends the loan waits for a use that is under way, a millisecond.</remarks>
internal sealed class PageLoan : IDisposable
{
    private readonly Lock _gate = new();
    private bool _isOver;

    /// <returns>False where the loan is over, and nothing was done.</returns>
    public bool TryUse(Action use)
    {
        lock (_gate)
        {
            if (!_isOver)
            {
                use();
            }

            return !_isOver;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
        }
    }
}
