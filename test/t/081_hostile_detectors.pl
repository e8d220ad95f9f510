# People who mean harm, or do it: to detectors, to parsers of logs, and to what
# continuous views keep of detectors.
use strict;
use warnings;

use KafkaStream;
use Test::More;

my $node = new_node('main');

sub sql
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

# What a session says in the end, errors included.
sub try_sql
{
	my ($sql) = @_;
	my ($stdout, $stderr) = ('', '');
	$node->psql('postgres', $sql, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	return "$stdout\n$stderr";
}

sql(<<'END');
CREATE ROLE alice; CREATE ROLE mallory;
CREATE SCHEMA alice AUTHORIZATION alice; CREATE SCHEMA mallory AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA mallory TO alice;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA kafka_stream TO alice;
CREATE TABLE alice.t AS
SELECT 'a' || i % 3 AS k, now() + i * interval '1 second' AS ts, i::float8 AS v, i * interval '1 second' AS iv,
	localtimestamp AS local, '{1,2}'::int[] AS tags, '{"a": 1}'::jsonb AS j
FROM generate_series(1, 100) AS i;
ALTER TABLE alice.t OWNER TO alice;
END

# A schema of mallory's, first on alice's path, with operators, functions and
# types that are called like those of pg_catalog.
sql(<<'END');
SET ROLE mallory;
SET search_path = mallory;
CREATE TABLE victims (name text); GRANT INSERT ON victims TO PUBLIC;
CREATE FUNCTION caught() RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO mallory.victims VALUES (current_user); RETURN true; END $$;
CREATE FUNCTION compare(float8, float8) RETURNS boolean LANGUAGE sql AS 'SELECT mallory.caught()';
CREATE FUNCTION compare(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT mallory.caught()';
CREATE FUNCTION compare(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT mallory.caught()';
CREATE OPERATOR = (LEFTARG = float8, RIGHTARG = float8, FUNCTION = compare);
CREATE OPERATOR < (LEFTARG = float8, RIGHTARG = float8, FUNCTION = compare);
CREATE OPERATOR > (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = compare);
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = compare);
CREATE FUNCTION date_part(text, interval) RETURNS float8 LANGUAGE sql AS 'SELECT mallory.caught()::int::float8';
CREATE FUNCTION timezone(text, timestamp) RETURNS timestamptz LANGUAGE sql AS 'SELECT now() FROM mallory.caught()';
CREATE FUNCTION to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT '1'::jsonb FROM mallory.caught() $$;
CREATE FUNCTION cardinality(anyarray) RETURNS int LANGUAGE sql AS 'SELECT mallory.caught()::int';
CREATE TYPE mallory.float8 AS (x int); CREATE TYPE mallory.timestamptz AS (x int); CREATE TYPE mallory.jsonb AS (x int);
END
my $calls = join '',
  map { "SELECT count(*) FROM kafka_stream.$_;" } "detect_zscore('alice.t', 'v', 'ts', '{k}')",
  "detect_mad('alice.t', 'iv', 'local', '{k, j, tags}')",
  "detect_seasonal('alice.t', 'v', 'ts', '{tags}')",
  "detect_ddos('alice.t', 'k', 'v', 'tags', time_column => 'local')",
  q{parse_apache_log('h - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 1')},
  q{parse_json_log('{"service": "a", "timestamp": 1, "response_time": 1.5}')};
is(sql("SET ROLE alice; SET search_path = mallory, pg_catalog; $calls"), "100\n100\n100\n100\n1\n1",
	'detectors and parsers under a hostile search_path');
is(sql('SELECT count(*) FROM mallory.victims'), 0, 'called nothing of it');

# Rights are those of the caller.
sql('GRANT USAGE ON SCHEMA alice TO mallory');
like(try_sql("SET ROLE mallory; SELECT * FROM kafka_stream.detect_zscore('alice.t', 'v', 'ts')"),
	qr/permission denied for table t/, 'no detector reads what its caller may not');

# What a view's owner can do to its definition does not reach another method's
# state: here the bytes of both have the same size.
is(sql(<<'END'), 153, 'a continuous view over a detector');
SET ROLE alice;
SET search_path = alice;
DO $$ BEGIN
	PERFORM kafka_stream.create_stream('ev', 'event_time timestamptz, k text, v float8', source => 'insert',
		max_future => NULL);
	PERFORM kafka_stream.create_view('w', 'SELECT tumble(event_time, ''1 minute''), k, avg(v) AS a FROM ev GROUP BY 1, 2');
	PERFORM kafka_stream.create_view('d', 'SELECT series, value, score, is_anomaly FROM kafka_stream.detect_zscore(
		''w'', ''a'', partition_by => ''{k}'', preceding => 10)');
	INSERT INTO ev (event_time, k, v)
	SELECT timestamptz '2026-01-01 00:00Z' + i * interval '1 second', 's' || i % 3, i FROM generate_series(0, 3059) AS i;
	PERFORM kafka_stream.advance('ev', '2026-01-01 01:00Z');
END $$;
SELECT count(*) FROM d;
END
my $definition = sql('SELECT relname FROM pg_class WHERE oid = (SELECT definition FROM kafka_stream_internal.view '
	  . "WHERE view = 'alice.d'::regclass)");
like(try_sql("SET ROLE alice; UPDATE kafka_stream_internal." . ($definition =~ s/definition/states/r) . " SET state = ''"),
	qr/permission denied/, 'states are not to be written by the owner');
sql(<<"END");
SET ROLE alice;
SET search_path = alice;
ALTER VIEW kafka_stream_internal.$definition SET SCHEMA alice;
CREATE OR REPLACE VIEW $definition AS SELECT series, value, score, is_anomaly
FROM kafka_stream.detect_mad('w', 'a', partition_by => '{k}', preceding => 5);
END
like(try_sql(<<'END'), qr/written by .* with other arguments/, 'nor given to another method');
SET ROLE alice;
SET search_path = alice;
INSERT INTO ev (event_time, k, v) VALUES ('2026-01-01 02:00Z', 's1', 1);
SELECT kafka_stream.advance('ev', '2026-01-01 03:00Z');
END
is(sql("SELECT state FROM kafka_stream.views WHERE view = 'alice.d'::regclass"), 'failed', 'which fails that view');

# 20,000 new series at once cost what their rows do.
my ($before, $after) = split /\n/, sql(<<'END');
SET search_path = public, kafka_stream;
DO $$ BEGIN
	PERFORM create_stream('many', 'event_time timestamptz, k int, v float8', source => 'insert', max_future => NULL);
	PERFORM create_view('per_k', 'SELECT tumble(event_time, ''1 minute''), k, avg(v) AS a FROM many GROUP BY 1, 2');
	PERFORM create_view('detected', 'SELECT series, score FROM kafka_stream.detect_zscore(''per_k'', ''a'', partition_by => ''{k}'')');
	INSERT INTO many (event_time, k, v) SELECT '2026-01-01 00:00Z', i, i FROM generate_series(1, 20000) AS i;
END $$;
CREATE FUNCTION peak() RETURNS int LANGUAGE sql AS
$$ SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')::int $$;
SELECT peak();
DO $$ BEGIN PERFORM advance('many', '2026-01-01 01:00Z'); END $$;
SELECT peak();
END
cmp_ok($after - $before, '<', 64 * 1024, "a detector's view takes " . ($after - $before) . ' kB for 20,000 series');

# Keys that somebody chose to have the same hash: none of their states stays longer
# than needed, of 160 kB each.
($before, my $rows, $after) = split /\n/, sql(<<'END');
CREATE TABLE flood AS SELECT (x::bigint << 32) | x AS k, timestamptz '2026-01-01 00:00Z' + i * interval '1 minute' AS ts, x * i AS v
FROM generate_series(1, 2000) AS x, generate_series(1, 4) AS i;
SELECT peak();
SELECT count(DISTINCT kafka_stream_internal.series_place(ts, k) >> 32) || ' hash, ' || (
	SELECT count(*) FILTER (WHERE d.score IS NOT DISTINCT FROM f.before)
	FROM kafka_stream.detect_spike('flood', 'v', 'ts', '{k}') AS d
		JOIN (SELECT k, ts, v - lag(v) OVER (PARTITION BY k ORDER BY ts) AS before FROM flood) AS f
		ON (series->>'k')::bigint = f.k AND d.ts = f.ts) || ' rows right, '
	|| (SELECT count(*) FROM kafka_stream.detect_mad('flood', 'v', 'ts', '{k}', preceding => 10000))
FROM flood;
SELECT peak();
END
is($rows, '1 hash, 8000 rows right, 8000', 'series with one hash are told apart');
cmp_ok($after - $before, '<', 64 * 1024, 'and take ' . ($after - $before) . ' kB');

# Numbers at the ends of float8, series without a spread, and without a value.
is(sql(<<'END'), '-,-,-,Infinity!,-,-,-,1,0.577,-,0', 'what is too large to tell is no anomaly, nor is what is not there');
CREATE TABLE numbers AS SELECT to_timestamp(i) AS ts, v
FROM unnest(ARRAY[3, 3, 3, 1e308, 1, 2, 3, 3, 3, NULL, 3]::float8[]) WITH ORDINALITY AS n(v, i);
SELECT string_agg(concat(coalesce(round(score::numeric, 3)::float8::text, '-'), CASE WHEN is_anomaly THEN '!' END), ',' ORDER BY ts)
FROM kafka_stream.detect_zscore('numbers', 'v', 'ts', preceding => 3)
END

# Cancelled in the middle, again and again.
sql('CREATE TABLE long AS SELECT now() + i * interval \'1 second\' AS ts, random() AS v FROM generate_series(1, 200000) AS i');
my $said = try_sql("SET statement_timeout = '50ms';"
	  . "SELECT count(*) FROM kafka_stream.detect_forest('long', 'v', 'ts');" x 20
	  . "RESET statement_timeout; SELECT count(*) FROM kafka_stream.detect_forest('alice.t', 'v', 'ts')");
is(scalar(() = $said =~ /canceling statement due to statement timeout/g), 20, 'calls that time out');
like($said, qr/^100$/m, 'leave the session as it was');

done_testing();
