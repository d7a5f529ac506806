-- I12: a node that was seen dead is dead in every later look that shows it.
SELECT earlier.id, earlier.look AS dead_at, later.look AS seen_at, later.value AS status
FROM (SELECT id, min(look) AS look FROM sample WHERE what = 'node' AND value = '3' GROUP BY id) AS earlier
JOIN sample AS later ON later.what = 'node' AND later.id = earlier.id AND later.look > earlier.look
WHERE later.value <> '3'
