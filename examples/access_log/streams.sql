-- Access log, 1 of 3: lines of a web server's log as a table.
--
--     psql -f examples/access_log/streams.sql
--
-- The broker comes from the environment (KAFKA_BROKERS), or write
-- psql -v brokers=host:9092.  Without either it is localhost:9092.
\set ON_ERROR_STOP on
\if :{?brokers}
\else
  \set brokers localhost:9092
  \getenv brokers KAFKA_BROKERS
\endif
\if :{?topic}
\else
  \set topic access-log
\endif

-- Topic 'access-log': one line per message, as Apache writes it with
-- CustomLog ... vhost_combined (common and combined will do, too), like
--
--   shop.example.com:443 203.0.113.9 - - [10/Oct/2026:13:55:36 +0200] "GET /cart HTTP/1.1" 200 2326 "-" "Mozilla/5.0"
--
-- For nginx, write format => 'nginx'.  Columns are filled by fields of the same
-- name; leave out what you do not need.  A client's host name would not fit
-- inet and be a dead letter: where HostnameLookups is on, make it text.
-- A message is one line: with something in front of it, or several lines in
-- one, it is a dead letter, too.
SELECT kafka_stream.create_stream('access_log',
    columns => $$
        event_time timestamptz,
        vhost      text DEFAULT '-',    -- of lines without one
        client     inet,
        method     text,                -- NULL, as url, if the request was none
        url        text,
        path       text GENERATED ALWAYS AS (split_part(url, '?', 1)) STORED,
        status     int,
        size       bigint,              -- bytes; NULL if none were sent
        referer    text,
        user_agent text
    $$,
    topic           => :'topic',
    brokers         => :'brokers',
    format          => 'apache',
    watermark_delay => '30 seconds');
