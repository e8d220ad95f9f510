/* -------------------------------------------------------------------------
 * Detectors of anomalies.  Open to all: each runs a query with the caller's
 * rights.  Unsafe in parallel queries, since the relation may be a view over
 * anything; the query inside may be a parallel one.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.detect_zscore(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    preceding pg_catalog.int4 DEFAULT 10, threshold pg_catalog.float8 DEFAULT 2,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_zscore(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.int4, pg_catalog.float8, pg_catalog.bool) IS
'values far from the mean of the rows before them. relation: a table or view, read with the caller''s rights; '
'value_column: a number, or an interval, which counts in seconds; time_column: timestamptz, or timestamp or date at UTC; '
'partition_by: columns that tell series apart; include_open: also windows of a continuous view that are not final '
'(a relation with columns window_start, window_end and is_final counts as one). '
'preceding: rows to look back at, 2 to 10000; threshold: in standard deviations. '
'Every row comes back, those of a series in order of time; rows of series come in any order: '
'score = (value - mean) / sample stddev over the preceding rows, this one excluded; '
'expected is the mean, lower and upper are threshold standard deviations away, is_anomaly says abs(score) > threshold. '
'Without enough rows before, or without a value, score is NULL; infinite values are anomalies and do not count for later rows; '
'where stddev is 0, score is 0 or infinite. '
'Errors: null_value_not_allowed, undefined_table, undefined_column, wrong_object_type, datatype_mismatch, duplicate_column, '
'too_many_columns, invalid_parameter_value, insufficient_privilege';

CREATE FUNCTION kafka_stream.detect_spike(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    threshold pg_catalog.float8 DEFAULT 10, direction pg_catalog.text DEFAULT 'up',
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_spike(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.float8, pg_catalog.text, pg_catalog.bool) IS
'values that jump from one row to the next. Common arguments, result and errors as kafka_stream.detect_zscore(). '
'threshold: in the value''s own units, not negative; direction: up, down or both. '
'score = value - value of the row before; expected is the row before''s value, lower and upper are threshold away, '
'NULL on the side that is not looked at; is_anomaly says score > threshold (up), score < -threshold (down). '
'The first row, and one after a row without a finite value, has no score';

CREATE FUNCTION kafka_stream.detect_mad(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    preceding pg_catalog.int4 DEFAULT 30, threshold pg_catalog.float8 DEFAULT 3.5,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_mad(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.int4, pg_catalog.float8, pg_catalog.bool) IS
'values far from the median of the rows before them, which up to half of these may be without hiding the next. Common arguments, result and errors as kafka_stream.detect_zscore(). '
'preceding: rows to look back at, 2 to 10000. '
'score = 0.6745 * (value - median) / MAD, the modified z-score of Iglewicz and Hoaglin (1993), MAD being the median of abs(x - median); '
'where MAD is 0, (value - median) / (1.253314 * mean of abs(x - median)). '
'expected is the median, lower and upper are where abs(score) = threshold, is_anomaly says abs(score) > threshold';

CREATE FUNCTION kafka_stream.detect_iqr(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    preceding pg_catalog.int4 DEFAULT 30, k pg_catalog.float8 DEFAULT 1.5,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_iqr(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.int4, pg_catalog.float8, pg_catalog.bool) IS
'values outside of Tukey''s fences (1977) around the rows before them. Common arguments, result and errors as kafka_stream.detect_zscore(). '
'preceding: rows to look back at, 2 to 10000. '
'lower = q1 - k * (q3 - q1), upper = q3 + k * (q3 - q1), with the quartiles of percentile_cont(); expected is the median; '
'score: how many interquartile ranges a value lies outside of the quartiles, with its sign, 0 between them; is_anomaly says abs(score) > k';

CREATE FUNCTION kafka_stream.detect_ewma(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    lambda pg_catalog.float8 DEFAULT 0.2, width pg_catalog.float8 DEFAULT 3,
    preceding pg_catalog.int4 DEFAULT 100,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_ewma(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.float8, pg_catalog.float8, pg_catalog.int4, pg_catalog.bool) IS
'small shifts that last: the EWMA control chart of Roberts (1959). Common arguments, result and errors as kafka_stream.detect_zscore(). '
'lambda: weight of the newest value, 0.0001 to 1; width: of the limits, in standard deviations of the chart; '
'preceding: rows before, 2 to 10000, whose mean and sample stddev the chart is compared to. '
'z = lambda * value + (1 - lambda) * z before; score = (z - mean) / (stddev * sqrt(lambda / (2 - lambda) * (1 - (1 - lambda)^(2t)))), '
't counting from the first row with a score; expected is the mean, lower and upper are values with which z would be at its limits, '
'is_anomaly says abs(score) > width';

CREATE FUNCTION kafka_stream.detect_cusum(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    k pg_catalog.float8 DEFAULT 0.5, h pg_catalog.float8 DEFAULT 5,
    preceding pg_catalog.int4 DEFAULT 100,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_cusum(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.float8, pg_catalog.float8, pg_catalog.int4, pg_catalog.bool) IS
'small shifts that last: the tabular CUSUM of Page (1954). Common arguments, result and errors as kafka_stream.detect_zscore(). '
'k: the slack, half of the shift to be found, and h: the decision interval, both in standard deviations; '
'preceding: rows before, 2 to 10000, whose mean and sample stddev give z = (value - mean) / stddev. '
'high = max(0, high + z - k), low = max(0, low - z - k); score = high, or -low if that is larger; is_anomaly says abs(score) > h, '
'after which both begin again at 0. expected is the mean, lower and upper are values with which low and high would be at h';

CREATE FUNCTION kafka_stream.detect_seasonal(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    period pg_catalog.interval DEFAULT '1 day', slots pg_catalog.int4 DEFAULT 24,
    periods pg_catalog.int4 DEFAULT 7, threshold pg_catalog.float8 DEFAULT 3.5,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_seasonal(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.interval, pg_catalog.int4, pg_catalog.int4, pg_catalog.float8, pg_catalog.bool) IS
'values unlike those at the same time of earlier periods: value = trend + season + residual. Common arguments, result and errors as kafka_stream.detect_zscore(). '
'period: 1 second to 3653 days, without months, counted from Monday 1970-01-05 00:00 UTC; slots: equal parts of it, 2 to 10000; '
'periods: how many the season of a slot is averaged over, 1 to 1000. '
'trend is the median, over one period back, of values without their season; the season of a slot is the average of what the trend leaves; '
'expected = trend + season; score = (value - expected) / spread, with spread = MAD / 0.6745 of the last max(slots, 50) residuals; '
'is_anomaly says abs(score) > threshold. The first two periods have no score. The exact definition is in src/anomaly/seasonal.c';

CREATE FUNCTION kafka_stream.detect_forest(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    shingle pg_catalog.int4 DEFAULT 4, trees pg_catalog.int4 DEFAULT 40,
    tree_size pg_catalog.int4 DEFAULT 128, threshold pg_catalog.float8 DEFAULT 6,
    seed pg_catalog.int8 DEFAULT 42,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_forest(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.int4, pg_catalog.int4, pg_catalog.int4, pg_catalog.float8, pg_catalog.int8, pg_catalog.bool) IS
'unusual shapes of the last rows: the robust random cut forest of Guha, Mishra, Roy and Schrijvers (ICML 2016). Common arguments, result and errors as kafka_stream.detect_zscore(). '
'shingle: values that make a point, 1 to 100; trees: 1 to 1000; tree_size: points in each tree, the last ones, 8 to 4096; '
'seed: decides all random cuts, so that the same rows give the same scores. '
'score is the collusive displacement of the newest point, averaged over the trees; '
'is_anomaly says that it is more than threshold standard deviations above the mean of the last tree_size scores. '
'The first shingle - 1 + 2 * tree_size values have no score; expected, lower and upper are NULL';

CREATE FUNCTION kafka_stream.detect_stream(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    threshold pg_catalog.float8 DEFAULT 0.5,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_stream(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.float8, pg_catalog.bool) IS
'what a series did not do before, of any kind: spikes, shifts, changes of spread, shape or season; nothing needs to be tuned. Common arguments, result and errors as kafka_stream.detect_zscore(). '
'threshold: 0 to 1. One pass in constant memory without looking ahead: rows that come later change no score. '
'score = 1 / (1 + exp(-2 * (evidence - bar))), from 0 to 1. Evidence is the weighted sum of what two kinds of judges say: '
'relative entropy of the distribution of the last 26 and 52 rows against all that were there before (Wang et al. 2011), '
'and rarity, by the tail of their own largest values (Hill 1975, Weissman 1978), of extremes, jumps, roughness, smoothness and of the distance to the nearest pattern so far, '
'row by row and for means of 6 rows. The bar is lower in long histories, and higher for some time after anomalies. '
'An anomaly is reported at its first row; for 30 rows or 4 % of those so far, whichever is more, scores stay below the threshold then, so that an episode is one anomaly. '
'expected is the median of the last three values, lower and upper are where a jump from it would be rare, NULL where none is yet; anomalies of shape lie within. '
'Gaps in time do not count. The first 100 values have no score; infinite values and those beyond 1e150 have score 1 and are not learnt from; '
'is_anomaly says score >= threshold';

CREATE FUNCTION kafka_stream.detect_suspicious_ips(
    relation pg_catalog.regclass, ip_column pg_catalog.name,
    requests_column pg_catalog.name, services_column pg_catalog.name,
    max_requests pg_catalog.int4 DEFAULT 1000, max_services pg_catalog.int4 DEFAULT 5,
    time_column pg_catalog.name DEFAULT 'window_start',
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_suspicious_ips(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name, pg_catalog.int4, pg_catalog.int4, pg_catalog.name, pg_catalog.bool) IS
'addresses that ask much of many services: requests > max_requests AND services > max_services. Without state: each row counts for itself. time_column and include_open as in kafka_stream.detect_zscore(). '
'requests_column: a number; services_column: a number, or an array, of which the number of elements counts; max_requests, max_services: not negative. '
'series is the address, value the requests, upper max_requests, score = least(requests / max_requests, services / max_services), '
'NULL without one of them; expected and lower are NULL. Errors as kafka_stream.detect_zscore()';

CREATE FUNCTION kafka_stream.detect_ddos(
    relation pg_catalog.regclass, ip_column pg_catalog.name,
    requests_column pg_catalog.name, users_column pg_catalog.name,
    max_requests pg_catalog.int4 DEFAULT 100, min_users pg_catalog.int4 DEFAULT 5,
    time_column pg_catalog.name DEFAULT 'window_start',
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_ddos(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name, pg_catalog.int4, pg_catalog.int4, pg_catalog.name, pg_catalog.bool) IS
'addresses that ask much in the name of few: requests > max_requests AND users < min_users. Without state: each row counts for itself. time_column and include_open as in kafka_stream.detect_zscore(). '
'requests_column: a number; users_column: a number, or an array, of which the number of elements counts; max_requests, min_users: not negative. '
'series is the address, value the requests, upper max_requests, score = least(requests / max_requests, min_users / users), '
'NULL without one of them; expected and lower are NULL. Errors as kafka_stream.detect_zscore()';
