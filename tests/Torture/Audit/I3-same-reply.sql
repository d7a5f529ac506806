-- I3: a retry gets the reply of the first answer.
SELECT vm_id, client_id, cmd_id, what, reply, again
FROM answered
WHERE again IS NOT NULL AND again <> reply
