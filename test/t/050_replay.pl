# Promise 2: what is final depends on the contents of the partitions alone, not
# on batch sizes, nor on how partitions interleave, nor on restarts.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{KS_SEED} // time() % 1000000;
note "KS_SEED=$seed gives the same events again";

my $events = 2000;
my $broker = KafkaStream::Broker->shared;
my $node = new_node('replay');

# Four partitions of events, a few seconds apart, a tenth of them up to five
# minutes late; partition 3 lags an hour behind the others.
$node->safe_psql('postgres', <<"END");
CREATE TABLE events AS
SELECT i % 4 AS kafka_partition, i,
       jsonb_build_object('event_time',
           to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           'service', 'svc' || (i * 7 + i / 3) % 5, 'rt', (i * 37 % 1000) / 8.0, 'code', i * 13 % 600)::text AS value
FROM (SELECT setseed(${\($seed / 1000000)})) AS seed,
     LATERAL (SELECT i, timestamptz '2026-03-01 00:00Z' + i * interval '2 seconds'
                  - CASE WHEN random() < 0.1 THEN random() * interval '5 minutes' ELSE random() * interval '20 seconds' END
                  - CASE WHEN i % 4 = 3 THEN interval '1 hour' ELSE interval '0' END AS at
              FROM generate_series(1, $events) AS i) AS e;
END

# The same contents in three orders: as they happened, partition after
# partition, and backwards by partition.
my %topics;
for my $order ('i', 'kafka_partition, i', '-kafka_partition, i')
{
	my $topic = $broker->create_topic('replay', 4);
	$broker->produce_query($topic, $node,
		"SELECT kafka_partition, NULL, NULL, value FROM events ORDER BY $order");
	$topics{$order} = $topic;
}

my @columns = ('event_time timestamptz, service text, rt float8, code int');
my @streams;

sub create
{
	my ($name, $topic, $batch_rows) = @_;
	push @streams, $name;
	$node->safe_psql('postgres', <<"END");
SELECT kafka_stream.create_stream('$name', '@columns', topic => '$topic',
    brokers => '${\ $broker->brokers}', watermark_delay => '30 seconds', idle_timeout => NULL,
    batch_rows => $batch_rows, batch_interval => '20 milliseconds');
SELECT kafka_stream.create_view('${name}_minute',
    'SELECT service, count(*), sum(rt), count(DISTINCT code) AS codes, min(code), array_agg(code) AS list
     FROM $name WHERE code <> 0 GROUP BY tumble(event_time, ''1 minute''), service');
SELECT kafka_stream.create_view('${name}_hop',
    'SELECT service, count(*), avg(rt), max(rt)
     FROM $name GROUP BY hop(event_time, ''5 minutes'', ''1 minute''), service HAVING count(*) > 2');
END
	return;
}

create('one', $topics{'i'}, 1);
create('seven', $topics{'i'}, 7);
create('thousand', $topics{'i'}, 1000);
create('many', $topics{'i'}, 50000);
create('by_partition', $topics{'kafka_partition, i'}, 1000);
create('backwards', $topics{'-kafka_partition, i'}, 7);

# One more is restarted all the time while it reads.
create('restarted', $topics{'i'}, 50);
for (1 .. 5)
{
	$node->safe_psql('postgres', "SELECT kafka_stream.stop_stream('restarted')");
	$node->safe_psql('postgres', "SELECT kafka_stream.start_stream('restarted')");
	select(undef, undef, undef, 0.3);
}

$node->safe_psql('postgres', "SELECT kafka_stream.flush('$_', '2 minutes')") for @streams;

# What PostgreSQL gives over the (row, window) pairs that were in time.
$broker->load_topic($topics{'i'}, $node, 'records');
$node->safe_psql('postgres', <<'END');
CREATE TABLE rows AS
SELECT r.kafka_partition, r.kafka_offset, e.*,
       max(e.event_time) OVER (PARTITION BY r.kafka_partition ORDER BY r.kafka_offset
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS clock
FROM records AS r, jsonb_to_record(r.value::jsonb) AS e(event_time timestamptz, service text, rt float8, code int);
CREATE TABLE final_to AS
SELECT min(clock) - interval '30 seconds' AS watermark
FROM (SELECT max(event_time) AS clock FROM rows GROUP BY kafka_partition) AS p;
END

my $minute = <<'END';
SELECT w AS window_start, service, count(*), round(sum(rt)::numeric, 6), count(DISTINCT code), min(code),
       array_agg(code ORDER BY event_time, kafka_partition, kafka_offset)
FROM rows, kafka_stream.tumble(event_time, '1 minute') AS w, final_to
WHERE code <> 0 AND w + interval '1 minute' <= watermark
  AND (clock IS NULL OR clock < w + interval '1 minute' + interval '30 seconds')
GROUP BY 1, 2
END
my $hop = <<'END';
SELECT w AS window_start, service, count(*), round(avg(rt)::numeric, 6), max(rt)
FROM rows, kafka_stream.hop(event_time, '5 minutes', '1 minute') AS w, final_to
WHERE w + interval '5 minutes' <= watermark
  AND (clock IS NULL OR clock < w + interval '5 minutes' + interval '30 seconds')
GROUP BY 1, 2 HAVING count(*) > 2
END

cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM ($minute) AS x"), '>', 50, 'there are final windows');
for my $name (@streams)
{
	same_rows($node,
		"SELECT window_start, service, count, round(sum::numeric, 6), codes, min, list FROM ${name}_minute WHERE is_final",
		$minute, "tumbling windows of $name");
	same_rows($node,
		"SELECT window_start, service, count, round(avg::numeric, 6), max FROM ${name}_hop WHERE is_final",
		$hop, "hopping windows of $name");
	is($node->safe_psql('postgres', <<"END"), 't', "each row of $name is folded, filtered or late");
SELECT bool_and(folded + filtered + late + dead_letters = $events) AND count(*) = 2
FROM kafka_stream.stats WHERE stream = '$name'::regclass AND view IS NOT NULL
END
}

my $late = $node->safe_psql('postgres', "SELECT late FROM kafka_stream.stats WHERE view = 'one_minute'::regclass");
cmp_ok($late, '>', 0, 'some rows were late');
is($node->safe_psql('postgres', "SELECT count(*) FROM one_late WHERE view = 'one_minute'::regclass"), $late,
	'and are kept as late rows');

done_testing();
