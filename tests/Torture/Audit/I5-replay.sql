-- I4, I5: what each reader got to the guest's end is what a replay of the journal puts out.
SELECT vm_id, count(DISTINCT sha256) AS consoles, group_concat(source || ':' || substr(sha256, 1, 12)) AS sources
FROM console_end
GROUP BY vm_id
HAVING count(DISTINCT sha256) > 1 OR sum(source = 'replay') <> 1
