-- I1: each hash is that of its record behind the hash before, computed anew.
SELECT stream_id, seq, hash, expected
FROM (
  SELECT stream_id, seq, hash, chain(
    lag(hash) OVER (PARTITION BY stream_id ORDER BY seq),
    stream_id, seq, epoch, kind, ver, vm_time, client_id, cmd_id, payload) AS expected
  FROM journal)
WHERE hash <> expected
