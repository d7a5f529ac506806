-- I5: the guest echoes what was typed: its letters, up to the line at its end, are those that were acknowledged.
WITH
  line AS (SELECT vm_id, reader, min(place) AS place FROM console WHERE byte = 32 GROUP BY vm_id, reader),
  echo AS (
    SELECT console.vm_id, console.reader, char(byte) AS letter,
      row_number() OVER (PARTITION BY console.vm_id, console.reader ORDER BY console.place) AS n
    FROM console JOIN line ON line.vm_id = console.vm_id AND line.reader = console.reader
    WHERE console.place < line.place AND byte <> 46),
  wanted AS (
    SELECT letter.vm_id, line.reader, letter.n, letter.letter
    FROM letter JOIN line ON line.vm_id = letter.vm_id
    WHERE letter.letter <> 'q')
SELECT coalesce(wanted.vm_id, echo.vm_id) AS vm, coalesce(wanted.reader, echo.reader) AS reader,
  coalesce(wanted.n, echo.n) AS place, wanted.letter AS acknowledged, echo.letter AS echoed
FROM wanted
FULL JOIN echo ON echo.vm_id = wanted.vm_id AND echo.reader = wanted.reader AND echo.n = wanted.n
WHERE wanted.letter IS NOT echo.letter
