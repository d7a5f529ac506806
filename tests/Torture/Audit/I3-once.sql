-- I3: no command is in two records of one kind in one stream, and none has two replies.
SELECT 'journal' AS place, stream_id, client_id, cmd_id, kind, count(*) AS times
FROM journal WHERE client_id IS NOT NULL
GROUP BY stream_id, client_id, cmd_id, kind HAVING count(*) > 1
UNION ALL
SELECT 'dedup', min(stream_id), client_id, cmd_id, NULL, count(*)
FROM dedup
GROUP BY client_id, cmd_id HAVING count(*) > 1
