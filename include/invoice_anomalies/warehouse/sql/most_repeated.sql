-- Which earlier night holds most of the rows of this extract, and how many?
SELECT held_by, count(*) FROM night_quarantine WHERE held_by IS NOT NULL GROUP BY held_by ORDER BY 2 DESC, 1 LIMIT 1;
