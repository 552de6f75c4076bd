-- How many rows has a usual night? (median of the last nights; none where there are too few to tell)
WITH night AS (
    SELECT extract_date, sum(rows_in) AS rows_in
    FROM invoice_anomalies.validation_runs
    WHERE success AND current AND extract_date < %(extract_date)s
    GROUP BY extract_date
    ORDER BY extract_date DESC
    LIMIT %(most_nights)s
)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rows_in) FROM night HAVING count(*) >= %(fewest_nights)s;
