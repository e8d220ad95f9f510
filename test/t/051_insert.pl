# Rows by INSERT and by COPY give what the same rows give by Kafka.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $node = new_node('insert');
my $topic = $broker->create_topic('insert', 1);

# One partition, in the order of i; every 17th row is minutes late.
$node->safe_psql('postgres', <<'END');
CREATE TABLE events AS
SELECT i, timestamptz '2026-03-01 00:00Z' + i * interval '1 second'
          - CASE WHEN i % 17 = 0 THEN interval '150 seconds' ELSE interval '0' END AS event_time,
       'svc' || i % 3 AS service, (i * 37 % 1000) / 8.0::float8 AS rt
FROM generate_series(1, 1000) AS i;
END
$broker->produce_query($topic, $node, <<'END');
SELECT 0, NULL, NULL, jsonb_build_object('event_time', event_time, 'service', service, 'rt', rt)::text
FROM events ORDER BY i
END

my %sources = (
	kafka => "topic => '$topic', brokers => '${\ $broker->brokers}'",
	inserted => "source => 'insert'",
	copied => "source => 'insert'",
	# a Kafka stream takes rows by INSERT, too
	mixed => "topic => '$topic', brokers => '${\ $broker->brokers}'",
);
for my $name (sort keys %sources)
{
	$node->safe_psql('postgres', <<"END");
SELECT kafka_stream.create_stream('$name', 'event_time timestamptz, service text, rt float8', $sources{$name},
    watermark_delay => '10 seconds', idle_timeout => NULL);
SELECT kafka_stream.create_view('${name}_minute',
    'SELECT service, count(*), sum(rt), array_agg(rt) AS list FROM $name GROUP BY tumble(event_time, ''1 minute''), service');
SELECT kafka_stream.create_view('${name}_hop',
    'SELECT count(*), stddev(rt) FROM $name GROUP BY hop(event_time, ''3 minutes'', ''1 minute'')');
SELECT kafka_stream.create_view('${name}_total', 'SELECT service, count(*), max(rt) FROM $name GROUP BY service');
SELECT kafka_stream.create_view('${name}_rows', 'SELECT event_time, rt * 2 AS twice FROM $name WHERE rt > 50');
END
}

# By INSERT: a statement of one row, of several, several in one transaction.
$node->safe_psql('postgres', <<'END');
INSERT INTO inserted (event_time, service, rt) SELECT event_time, service, rt FROM events WHERE i = 1;
BEGIN;
INSERT INTO inserted (event_time, service, rt) SELECT event_time, service, rt FROM events WHERE i BETWEEN 2 AND 400 ORDER BY i;
SAVEPOINT s;
INSERT INTO inserted (event_time, service, rt) SELECT event_time, service, rt FROM events WHERE i > 400;
ROLLBACK TO s;
INSERT INTO inserted (event_time, service, rt) SELECT event_time, service, rt FROM events WHERE i BETWEEN 401 AND 500 ORDER BY i;
COMMIT;
INSERT INTO inserted (event_time, service, rt) SELECT event_time, service, rt FROM events WHERE i > 500 ORDER BY i;
INSERT INTO mixed (event_time, service, rt) VALUES ('2026-02-28 23:59Z', 'by hand', 1);
END
my $rows = $node->safe_psql('postgres', 'COPY (SELECT event_time, service, rt FROM events ORDER BY i) TO STDOUT');
$node->safe_psql('postgres', "COPY copied (event_time, service, rt) FROM STDIN;\n$rows\n\\.\n");

$node->safe_psql('postgres', "SELECT kafka_stream.flush('$_')") for sort keys %sources;

my $finals = sub { my ($name) = @_; return "SELECT window_start, is_final, service, count, round(sum::numeric, 6), list FROM ${name}_minute"; };
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM kafka_minute WHERE is_final"), '>', 10, 'there are final windows');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM kafka_late"), '>', 10, 'there are late rows');
for my $name ('inserted', 'copied')
{
	same_rows($node, $finals->($name), $finals->('kafka'), "tumbling windows, $name");
	same_rows($node, "SELECT window_start, is_final, count, round(stddev::numeric, 6) FROM ${name}_hop",
		"SELECT window_start, is_final, count, round(stddev::numeric, 6) FROM kafka_hop", "hopping windows, $name");
	same_rows($node, "TABLE ${name}_total", 'TABLE kafka_total', "running view, $name");
	same_rows($node, "TABLE ${name}_rows", 'TABLE kafka_rows', "cleansed rows, $name");
	same_rows($node, "SELECT event_time, service, rt, kafka_offset, window_end, clock, lateness, view::text LIKE '%hop' AS hop FROM ${name}_late",
		"SELECT event_time, service, rt, kafka_offset, window_end, clock, lateness, view::text LIKE '%hop' AS hop FROM kafka_late", "late rows, $name");
}
is($node->safe_psql('postgres', "SELECT count FROM mixed_total WHERE service = 'by hand'"), 1,
	'a row inserted into a Kafka stream is counted beside those of Kafka');
is($node->safe_psql('postgres', 'SELECT sum(count) FROM mixed_total'), 1001, 'and none is lost');
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT coalesce(kafka_partition::text, 'insert'), ',') FROM mixed"),
	'0,insert', 'in a partition of its own');

done_testing();
