-- I12: the view and the epochs never fall.
SELECT what, id, look, value, before
FROM (
  SELECT what, id, look, number AS value, lag(number, 1, 0) OVER (PARTITION BY what, id ORDER BY look) AS before
  FROM (
    SELECT what, id, look, CASE what WHEN 'view' THEN CAST(value AS INTEGER) ELSE epoch END AS number
    FROM sample WHERE what IN ('view', 'stream')))
WHERE value < before
