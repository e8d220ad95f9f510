-- -------------------------------------------------------------------------
-- The window that an alert is being evaluated for
-- -------------------------------------------------------------------------
CREATE FUNCTION kafka_stream.alert_window_start() RETURNS timestamptz
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ks_alert_window_start';
COMMENT ON FUNCTION kafka_stream.alert_window_start() IS
    'start of the window that an alert with a view is being evaluated for, what its query calls $1: for functions and views that the query uses; NULL elsewhere';

CREATE FUNCTION kafka_stream.alert_window_end() RETURNS timestamptz
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ks_alert_window_end';
COMMENT ON FUNCTION kafka_stream.alert_window_end() IS
    'end of the window that an alert with a view is being evaluated for, what its query calls $2: for functions and views that the query uses; NULL elsewhere';
