-- I1: one node an epoch: in what was journaled, and in the fence rows as they were seen.
SELECT vm_id AS id, placed_epoch AS epoch, group_concat(DISTINCT placed_node) AS nodes
FROM journal
WHERE placed_node IS NOT NULL
GROUP BY vm_id, placed_epoch
HAVING count(DISTINCT placed_node) > 1
UNION ALL
SELECT id, epoch, group_concat(DISTINCT value)
FROM sample
WHERE what = 'stream' AND value <> ''
GROUP BY id, epoch
HAVING count(DISTINCT value) > 1
