-- I1: a stream's sequence is 1, 2, 3… without a gap.
SELECT stream_id, seq, before
FROM (SELECT stream_id, seq, lag(seq, 1, 0) OVER (PARTITION BY stream_id ORDER BY seq) AS before FROM journal)
WHERE seq <> before + 1
