-- I5: each reader of a console gets each byte once and in order.
SELECT vm_id, reader, chunk, place, before
FROM (
  SELECT vm_id, reader, chunk, place,
    lag(place, 1, -1) OVER (PARTITION BY vm_id, reader ORDER BY chunk, rowid) AS before
  FROM console)
WHERE place <> before + 1
