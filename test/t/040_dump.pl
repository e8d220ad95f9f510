# Dump and restore: views show the same, open and final; streams are stopped and
# go on when started by hand; DROP EXTENSION leaves nothing running behind.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('dump');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';

$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', <<'END');
CREATE EXTENSION kafka_stream;
CREATE ROLE dump_owner;
CREATE SCHEMA "Other";
GRANT USAGE, CREATE ON SCHEMA "Other" TO dump_owner;
GRANT EXECUTE ON FUNCTION kafka_stream.create_view TO dump_owner;
CREATE TABLE dim (k text, owner text);
INSERT INTO dim VALUES ('k0', 'x'), ('k1', 'y'), ('k1', 'z');
SELECT kafka_stream.create_stream('st', 'event_time timestamptz, k text, x int', source => 'insert', max_future => NULL, idle_timeout => NULL);
SELECT kafka_stream.create_stream('topic', 'event_time timestamptz, k text', brokers => 'localhost:1', max_future => NULL);
SELECT kafka_stream.stop_stream('st');
GRANT SELECT ON st, dim TO dump_owner;
SET ROLE dump_owner;
SELECT kafka_stream.create_view('"Other"."By Minute"', $$SELECT tumble(event_time, '1 minute') AS window_start, owner, count(*), avg(x), stddev(x::numeric),
    count(DISTINCT x) AS values, collect_list(x), string_agg(k, ',') FROM st JOIN dim USING (k) GROUP BY 1, 2$$);
RESET ROLE;
SELECT kafka_stream.create_view('hops', $$SELECT hop(event_time, '3 minutes', '1 minute') AS window_start, k, count(*), sum(x) FROM st GROUP BY 1, 2 HAVING count(*) > 1$$, watermark_delay => '1 minute');
SELECT kafka_stream.create_view('total', 'SELECT k, count(*), max(x), bool_or(x > 3) FROM st GROUP BY 1');
SELECT kafka_stream.create_view('passed', 'SELECT event_time, x + 1 AS y FROM st WHERE x > 2');
SELECT kafka_stream.create_view('topic_total', 'SELECT k, count(*) FROM topic GROUP BY 1');
INSERT INTO st SELECT '2026-01-01Z'::timestamptz + i * interval '1 s' - CASE WHEN i % 13 = 0 THEN interval '3 min' ELSE '0' END, 'k' || i % 3, i FROM generate_series(1, 600) i;
INSERT INTO topic (event_time, k) VALUES ('2026-01-01Z', 'a');
SELECT kafka_stream.advance('st', '2026-01-01 00:05Z');
END

my @relations = ('"Other"."By Minute"', 'hops', 'total', 'passed', 'topic_total', 'st', 'st_late',
	'(SELECT stream, view, rows, folded, filtered, late, partly_late FROM kafka_stream.stats)',
	'(SELECT view, stream, state, watermark, complete_from FROM kafka_stream.views)',
	"(SELECT stream, clock, next_offset FROM kafka_stream.partitions WHERE stream = 'st'::regclass)");
my $content = "SET timezone = 'UTC';" . join(' UNION ALL ',
	map { "SELECT \$r\$$_\$r\$ AS relation, r::text FROM $_ r" } @relations) . ' ORDER BY 1, 2';
sub content { return $node->safe_psql($_[0], $content); }

# Restore a dump of 'source', made with these options, as a new database.
sub restore
{
	my ($database, @options) = @_;

	command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-f', $dump, @options ], "pg_dump for $database");
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', $dump ], "restore $database");
}

my $before = content('source');
like($before, qr/hops.*,t,/, 'there are final windows');
like($before, qr/hops.*,f,/, 'and open ones');
restore('copy');
is(content('copy'), $before, 'a restored database shows the same');

is($node->safe_psql('copy', 'SELECT DISTINCT state FROM kafka_stream.streams'), 'stopped', 'its streams are stopped');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = 'copy' AND backend_type = 'kafka_stream worker' AND state IS NOT NULL"), 0, 'no worker runs there');
is($node->safe_psql('copy', q{SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '"Other"."By Minute"'::regclass}), 'dump_owner', 'owners stay');

# Both go on from where they stood, in the same way.
for my $database ('source', 'copy')
{
	$node->safe_psql($database, <<'END');
INSERT INTO st VALUES ('2026-01-01 00:09:30Z', 'k1', 5), ('2026-01-01 00:04:59Z', 'late', 5), ('2026-01-01 00:11Z', 'k1', 7);
SELECT kafka_stream.advance('st', '2026-01-01 00:10Z');
END
}
my $after = "SET timezone = 'UTC';" . join(' UNION ALL ', map { "SELECT '$_', r::text FROM $_ r" }
	'"Other"."By Minute"', 'hops', 'total', 'passed', '(SELECT event_time, k, x, kafka_offset, view, window_end, clock, lateness FROM st_late)') . ' ORDER BY 1, 2';
is($node->safe_psql('copy', $after), $node->safe_psql('source', $after), 'the copy goes on as the original does');
$node->safe_psql('copy', "SELECT kafka_stream.start_stream('st')");

# Dropping a view there drops all of it.
$node->safe_psql('copy', 'DROP VIEW hops');
is($node->safe_psql('copy', q{SELECT count(*) FROM kafka_stream.views WHERE view::text ~ 'hops|^[0-9]'}), 0, 'a dropped view is gone');

# What is declared is data of the extension: a dump of the schema alone says so
# instead of counting nothing.
restore('empty', '--schema-only');
my (undef, undef, $error) = $node->psql('empty', 'SELECT count(*) FROM "Other"."By Minute"');
like($error, qr/ERROR:  there is no continuous view/, 'reading a view without its declaration is an error');
(undef, undef, $error) = $node->psql('empty', q{INSERT INTO st VALUES ('2026-01-01Z', 'a', 1)});
like($error, qr/ERROR:  .*not a .*stream/, 'so is inserting into a stream without its own');

# Nothing is left but what holds users' rows.
$node->safe_psql('copy', 'DROP EXTENSION kafka_stream CASCADE');
is($node->safe_psql('copy', "SELECT count(*) FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'kafka%')"), 0, 'DROP EXTENSION leaves no relations');
is($node->safe_psql('copy', 'SELECT (SELECT count(*) FROM pg_event_trigger), (SELECT count(*) FROM pg_proc WHERE probin LIKE $$%kafka%$$)'), '0|0', 'no event triggers and functions');
wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'copy'");
is($node->safe_psql('copy', "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'p')"),
	'dim,st_late,topic_late', 'tables of late rows stay');
is(content('source') ne '', 1, 'the original lives');

$node->stop;
done_testing();
