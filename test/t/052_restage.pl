# A crash empties unlogged staging; its rows come back from Kafka, once each,
# while the views go on exactly.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $node = new_node('restage');
my $topic = $broker->create_topic('restage', 3);

sub produce
{
	my ($from, $to) = @_;
	$broker->produce_query($topic, $node, <<"END");
SELECT i % 3, NULL, NULL,
       CASE WHEN i % 50 = 0 THEN '{"event_time": "bad ' || i || '"}'
            ELSE jsonb_build_object('event_time', timestamptz '2026-03-01 00:00Z' + i * interval '1 second', 'n', i)::text END
FROM generate_series($from, $to) AS i ORDER BY i
END
	return;
}

$node->safe_psql('postgres', <<"END");
SELECT kafka_stream.create_stream('s', 'event_time timestamptz, n int', topic => '$topic',
    brokers => '${\ $broker->brokers}', batch_rows => 100);
SELECT kafka_stream.create_view('v', 'SELECT count(*), sum(n) FROM s GROUP BY tumble(event_time, ''1 minute'')');
END
produce(1, 3000);
$node->safe_psql('postgres', "SELECT kafka_stream.flush('s')");
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT n), sum(n) FROM s'),
	'2940|2940|4410000', 'staged before the crash');
$node->safe_psql('postgres', 'CREATE TABLE before AS SELECT kafka_partition, kafka_offset, event_time, n, kafka_timestamp FROM s');

for my $crash (1 .. 2)
{
	$node->stop('immediate');
	$node->start;
	# live work goes on meanwhile
	produce(3000 * $crash + 1, 3000 * ($crash + 1));
	my $rows = 2940 * ($crash + 1);
	ok(wait_for($node, 'SELECT count(*) FROM s', $rows), "crash $crash: all rows are staged again");
	$node->safe_psql('postgres', "SELECT kafka_stream.flush('s')");
	same_rows($node, 'SELECT kafka_partition, kafka_offset, event_time, n, kafka_timestamp FROM s WHERE n <= 3000',
		'TABLE before', "crash $crash: they are the same rows");
	is($node->safe_psql('postgres', 'SELECT count(*) - count(DISTINCT (kafka_partition, kafka_offset)) FROM s'), 0,
		"crash $crash: each is there once");
	is($node->safe_psql('postgres', 'SELECT sum(count), count(*) FROM v'), "$rows|" . ($crash + 1) * 50 . '',
		"crash $crash: none was folded twice") or diag($node->safe_psql('postgres', 'SELECT * FROM v ORDER BY 1'));
	is($node->safe_psql('postgres', "SELECT rows, dead_letters FROM kafka_stream.stats WHERE view IS NULL"),
		"$rows|" . 60 * ($crash + 1), "crash $crash: counted once");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM kafka_stream_internal.partition WHERE restage_end IS NOT NULL'), 0,
		"crash $crash: nothing is left to read again");
}

# A fast restart keeps staging: nothing is read again.
$node->restart;
ok(wait_for($node, "SELECT state FROM kafka_stream.streams", 'running'), 'running again');
$node->safe_psql('postgres', "SELECT kafka_stream.flush('s')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM s'), 8820, 'a fast restart doubles nothing');

done_testing();
