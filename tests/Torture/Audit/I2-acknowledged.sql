-- I2: every command that was acknowledged is there: its reply once, and where it changes a VM's life or types, one record.
SELECT answered.vm_id, client_id, cmd_id, what, replies, records
FROM (
  SELECT answered.*,
    (SELECT count(*) FROM dedup
     WHERE dedup.client_id = answered.client_id AND dedup.cmd_id = answered.cmd_id) AS replies,
    (SELECT count(*) FROM journal
     WHERE journal.client_id = answered.client_id AND journal.cmd_id = answered.cmd_id AND kind IN (5, 6)) AS records
  FROM answered
  WHERE is_done = 1 AND vm_id NOT IN (SELECT vm_id FROM deleted)) AS answered
WHERE replies <> 1 OR (what IN ('type', 'start', 'pause', 'resume') AND records <> 1)
