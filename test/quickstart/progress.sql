-- One line: how far the views are.
SELECT format('   views have %s log lines and %s user events; %s windows of a minute, %s of them final',
              coalesce(sum(total), 0),
              (SELECT coalesce(sum(events), 0)::bigint / 2 FROM action_stats),
              count(DISTINCT window_start),
              count(DISTINCT window_start) FILTER (WHERE is_final))
FROM error_rate
\g (tuples_only format=unaligned)
