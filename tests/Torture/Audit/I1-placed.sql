-- I1: nothing is written under an epoch before its owner was placed under it, and each epoch is placed once a stream.
SELECT stream_id, epoch, min(seq) AS first, count(placed_epoch) AS placed
FROM journal
GROUP BY stream_id, epoch
HAVING count(placed_epoch) <> 1 OR max(placed_epoch) <> epoch
