-- What holds for every connection of the pipeline.

-- name: session
-- What holds for every connection of the pipeline.
-- Dates and times come and go as ISO in UTC, whatever the server's habits are.
SET datestyle TO ISO, YMD;
SET timezone TO 'UTC';
-- Nobody waits for ever: a clear error and another try later are better than a hung task.
SELECT set_config('lock_timeout', (%(lock_timeout)s * 1000)::text, false),
    set_config('statement_timeout', (%(statement_timeout)s * 1000)::text, false);
-- The locks of a client whose machine is gone are released within two minutes; the system's own habit is two hours.
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 6;
