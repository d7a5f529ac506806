-- I1: the epoch of a stream never falls.
SELECT stream_id, seq, epoch, before
FROM (SELECT stream_id, seq, epoch, lag(epoch, 1, 0) OVER (PARTITION BY stream_id ORDER BY seq) AS before FROM journal)
WHERE epoch < before
