-- I5: never two different bytes at one place.
SELECT vm_id, place, group_concat(DISTINCT reader || ':' || byte) AS bytes
FROM console
GROUP BY vm_id, place
HAVING count(DISTINCT byte) > 1
