-- I2, I3: the letters of the journal are those that were acknowledged: each once, in order, and no other.
WITH RECURSIVE
  input AS (
    SELECT vm_id, row_number() OVER (PARTITION BY vm_id ORDER BY seq) AS number, typed FROM journal
    WHERE typed IS NOT NULL AND vm_id NOT IN (SELECT vm_id FROM deleted)),
  cut(vm_id, number, at, rest, letter) AS (
    SELECT vm_id, number, 0, typed, '' FROM input
    UNION ALL
    SELECT vm_id, number, at + 1, substr(rest, 2), substr(rest, 1, 1) FROM cut WHERE rest <> ''),
  journaled AS (
    SELECT vm_id, row_number() OVER (PARTITION BY vm_id ORDER BY number, at) AS n, letter FROM cut WHERE at > 0)
SELECT coalesce(letter.vm_id, journaled.vm_id) AS vm, coalesce(letter.n, journaled.n) AS place,
  letter.letter AS acknowledged, journaled.letter AS journaled
FROM letter
FULL JOIN journaled ON journaled.vm_id = letter.vm_id AND journaled.n = letter.n
WHERE letter.letter IS NOT journaled.letter
