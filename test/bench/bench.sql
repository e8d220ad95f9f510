-- What the bench measures, from inside the server: CPU seconds of processes and
-- threads out of /proc, and rates.  Numbers end up in bench.result.
CREATE SCHEMA bench;

CREATE TABLE bench.result (id int GENERATED ALWAYS AS IDENTITY, name text PRIMARY KEY, value numeric);

CREATE FUNCTION bench.note(name text, value numeric) RETURNS void LANGUAGE sql
AS $$ INSERT INTO bench.result (name, value) VALUES ($1, round($2, 4)) $$;

CREATE FUNCTION bench.get(name text) RETURNS numeric LANGUAGE sql
AS $$ SELECT value FROM bench.result AS r WHERE r.name = $1 $$;

-- CPU seconds so far of the threads of a process; the first one is the process's own.
CREATE FUNCTION bench.threads(pid int) RETURNS TABLE (tid int, thread text, user_s numeric, sys_s numeric)
LANGUAGE sql AS $$
    SELECT t::int, substring(stat FROM '\((.*)\)'), field[12]::numeric / 100, field[13]::numeric / 100
    FROM pg_ls_dir(format('/proc/%s/task', pid)) AS t,
         pg_read_file(format('/proc/%s/task/%s/stat', pid, t), 0, 4096, true) AS stat,
         string_to_array(substring(stat FROM '\) (.*)$'), ' ') AS field
    WHERE stat IS NOT NULL
$$;

-- CPU seconds so far of a process: user, system, and of its main thread alone.
CREATE FUNCTION bench.cpu(pid int, OUT user_s numeric, OUT sys_s numeric, OUT main_s numeric, OUT other_s numeric)
LANGUAGE sql AS $$
    SELECT sum(user_s), sum(sys_s), sum(user_s + sys_s) FILTER (WHERE tid = pid),
           coalesce(sum(user_s + sys_s) FILTER (WHERE tid <> pid), 0)
    FROM bench.threads(pid)
$$;

CREATE FUNCTION bench.worker(stream regclass) RETURNS int LANGUAGE sql VOLATILE
AS $$ SELECT pid FROM kafka_stream.streams AS s WHERE s.stream = $1 $$;

CREATE FUNCTION bench.done(stream regclass) RETURNS bigint LANGUAGE sql VOLATILE
AS $$ SELECT coalesce(sum(next_offset), 0)::bigint FROM kafka_stream.partitions AS p WHERE p.stream = $1 $$;

-- Wait until 'total' events are folded.
CREATE FUNCTION bench.await(stream regclass, total bigint, timeout interval) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + timeout;
BEGIN
    WHILE bench.done(stream) < total LOOP
        IF clock_timestamp() > deadline THEN
            RAISE EXCEPTION 'only % of % events after %: %', bench.done(stream), total, timeout,
                (SELECT state || coalesce(', ' || reason, '') FROM kafka_stream.streams AS s WHERE s.stream = $1);
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;

-- Wait until 'total' events are folded, and note rate and cost over the worker's
-- whole life, so that connecting and what it fetched ahead count.
CREATE FUNCTION bench.measure_load(stream regclass, total bigint, timeout interval) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    worker int;
    started timestamptz;
    ended timestamptz;
    cpu record;
BEGIN
    PERFORM bench.await(stream, total, timeout);
    ended := clock_timestamp();
    worker := bench.worker(stream);
    cpu := bench.cpu(worker);
    SELECT backend_start INTO started FROM pg_stat_activity WHERE pid = worker;
    PERFORM bench.note('events_per_second', total / extract(epoch FROM ended - started)),
            bench.note('worker_cpu', (cpu.user_s + cpu.sys_s) * 1000000 / total),
            bench.note('worker_user_cpu', cpu.user_s * 1000000 / total),
            bench.note('worker_sys_cpu', cpu.sys_s * 1000000 / total),
            bench.note('worker_main_cpu', cpu.main_s * 1000000 / total),
            bench.note('worker_librdkafka_cpu', cpu.other_s * 1000000 / total);
END $$;

-- Run a statement in this backend and note its CPU seconds and events per second.
CREATE FUNCTION bench.measure_floor(name text, events bigint, statement text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    t0 timestamptz := clock_timestamp();
    c0 record := bench.cpu(pg_backend_pid());
    c1 record;
BEGIN
    EXECUTE statement;
    c1 := bench.cpu(pg_backend_pid());
    PERFORM bench.note(name || '_cpu', (c1.user_s + c1.sys_s - c0.user_s - c0.sys_s) * 1000000 / events),
            bench.note(name || '_per_second', events / extract(epoch FROM clock_timestamp() - t0));
END $$;

-- From the moment an event was sent to the commit that showed it in the views;
-- 'since' is after the load.
CREATE FUNCTION bench.measure_freshness(since timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bench.note('freshness_p50_ms', ms[1]), bench.note('freshness_p99_ms', ms[2]),
            bench.note('freshness_max_ms', ms[3]), bench.note('freshness_events', n)
    FROM (SELECT percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP
                     (ORDER BY extract(epoch FROM pg_xact_commit_timestamp(xmin) - event_time) * 1000) AS ms,
                 count(*) AS n
          FROM bench.logs WHERE event_time >= since) AS f;
END $$;

-- The report for people: one line per measurement, then the bars.
CREATE FUNCTION bench.report(OUT what text, OUT events_per_second text, OUT cpu_per_million text)
RETURNS SETOF record LANGUAGE sql AS $$
    SELECT label,
           to_char(bench.get(rate), 'FM999,999,999'),
           to_char(bench.get(cpu), 'FM990.00')
    FROM (VALUES ('worker: from topic to three views', 'events_per_second', 'worker_cpu'),
                 ('    its main thread', NULL, 'worker_main_cpu'),
                 ('    its librdkafka threads', NULL, 'worker_librdkafka_cpu'),
                 ('    in user mode', NULL, 'worker_user_cpu'),
                 ('    in the kernel', NULL, 'worker_sys_cpu'),
                 ('floor: a bare librdkafka consumer', 'consumer_per_second', 'consumer_cpu'),
                 ('floor: COPY BINARY into an unlogged table', 'copy_per_second', 'copy_cpu'),
                 ('floor: GROUP BY of response_time', 'response_time_per_second', 'response_time_cpu'),
                 ('floor: GROUP BY of error_rate', 'error_rate_per_second', 'error_rate_cpu'),
                 ('floor: GROUP BY of sla', 'sla_per_second', 'sla_cpu'),
                 ('sum of the floors', NULL, 'floors_cpu')) AS v(label, rate, cpu)
$$;

CREATE FUNCTION bench.bars(OUT bar text, OUT measured text, OUT met text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT label, to_char(bench.get(name), 'FM999,999,990.0') || unit,
           CASE WHEN least THEN bench.get(name) >= bar ELSE bench.get(name) <= bar END
    FROM (VALUES ('at least 300,000 events/s', 'events_per_second', '', true, 300000),
                 ('CPU at most 3 times the sum of the floors', 'cpu_times_floors', ' times', false, 3),
                 ('freshness p99 under 250 ms', 'freshness_p99_ms', ' ms', false, 250)) AS v(label, name, unit, least, bar)
$$;

-- The same, of the best of three runs, since others may run meanwhile; of one if it
-- takes long.
CREATE FUNCTION bench.measure_best(name text, events bigint, statement text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    cpu numeric := 'infinity';
    wall numeric := 'infinity';
BEGIN
    FOR run IN 1..3 LOOP
        PERFORM bench.measure_floor(name || '_run', events, statement);
        cpu := least(cpu, bench.get(name || '_run_cpu'));
        wall := least(wall, events / bench.get(name || '_run_per_second'));
        DELETE FROM bench.result AS r WHERE r.name IN ($1 || '_run_cpu', $1 || '_run_per_second');
        EXIT WHEN wall > 5;
    END LOOP;
    PERFORM bench.note(name || '_cpu', cpu), bench.note(name || '_per_second', events / wall);
END $$;

-- One line per detector and parser (functions.sql): how many rows a core does in a
-- second of its time, however busy the machine was, and how many were done.
CREATE FUNCTION bench.report_functions(OUT function text, OUT rows_per_cpu_second text, OUT rows_per_second text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT f.label, to_char(1000000 / bench.get(f.name || '_cpu'), 'FM999,999,999'),
                        to_char(bench.get(f.name || '_per_second'), 'FM999,999,999')
                 FROM bench.functions AS f ORDER BY f.id;
END $$;
