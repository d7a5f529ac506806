-- I1: the fence row stands at the last record, under its epoch; no record is without one.
SELECT coalesce(stream.stream_id, last.stream_id) AS stream, stream.head_seq, last.seq, stream.epoch, last.epoch AS written
FROM stream
FULL JOIN (
  SELECT stream_id, seq, epoch, hash, row_number() OVER (PARTITION BY stream_id ORDER BY seq DESC) AS back FROM journal
) AS last ON last.stream_id = stream.stream_id AND last.back = 1
WHERE (last.back IS NULL OR last.back = 1)
  AND (stream.head_seq IS NOT last.seq OR stream.head_hash IS NOT last.hash OR stream.epoch IS NOT last.epoch)
