# The broker and the tools of the other tests do what those build on.
use strict;
use warnings;

use KafkaStream;
use Test::More;

my $broker = KafkaStream::Broker->new;
my $node = new_node('main');

# Records arrive as they were sent, whatever bytes they have.
my $topic = $broker->create_topic('bytes', 2);
$broker->produce_records($topic,
	[ 0, 1000, 'key', "tab\there, line\nbreak, back\\slash, \\N, \\x41" ],
	[ 0, undef, undef, '' ],
	[ 1, 2000, '', undef ]);
$broker->load_topic($topic, $node, 'bytes');
same_rows(
	$node,
	'SELECT kafka_partition, kafka_offset, key, value FROM bytes',
	q{VALUES (0, 0::bigint, 'key', E'tab\there, line\nbreak, back\\\\slash, \\\\N, \\\\x41'),
		(0, 1, NULL, ''), (1, 0, '', NULL)},
	'records come back as they were sent');
is($node->safe_psql('postgres', 'SELECT timestamp_ms FROM bytes ORDER BY 1 LIMIT 2'),
	"1000\n2000", 'timestamps are what the producer said');
is_deeply([ $broker->offsets($topic) ], [ [ 0, 2 ], [ 0, 1 ] ], 'offsets of each partition');

# A query as producer.
$topic = $broker->create_topic('query', 3);
$broker->produce_query($topic, $node,
	q{SELECT i % 3, 1000 + i, 'k' || i, '{"i": ' || i || '}' FROM generate_series(1, 10000) i});
$broker->load_topic($topic, $node, 'query');
is( $node->safe_psql('postgres',
		q{SELECT count(*), count(DISTINCT (value::json->>'i')), min(timestamp_ms) FROM query
		  WHERE (value::json->>'i')::int % 3 = kafka_partition}),
	'10000|10000|1001', 'ten thousand records from a query');

# Transactions: what was aborted takes offsets and is never seen.
$topic = $broker->create_topic('transactions', 1);
my @lines = map { KafkaStream::Broker::record_line(0, undef, undef, $_) } qw(lost kept);
$broker->produce_transactions($topic, 'test', 'begin', $lines[0], 'abort',
	'begin', $lines[1], 'commit');
$broker->load_topic($topic, $node, 'transactions');
is($node->safe_psql('postgres', 'SELECT value, kafka_offset FROM transactions'),
	'kept|2', 'an aborted record is not there, its offset is used');

# Retention, and more partitions.
$topic = $broker->create_topic('retention', 1);
$broker->produce($topic, 0, 'a', 'b', 'c');
$broker->truncate_topic($topic, 0, 2);
$broker->grow_topic($topic, 2);
is_deeply([ $broker->offsets($topic) ], [ [ 2, 3 ], [ 0, 0 ] ],
	'truncation moves the low offset, growing adds a partition');

# 10 MB in one message.
$topic = $broker->create_topic('large', 1);
$broker->produce($topic, 0, 'x' x 10_000_000);
is_deeply([ $broker->offsets($topic) ], [ [ 0, 1 ] ], 'a message of 10 MB');

# Crashes and stops keep what was written.
$broker->kill9;
$broker->start;
is_deeply([ $broker->offsets($topic) ], [ [ 0, 1 ] ], 'records outlive kill -9');
$broker->stop;
ok(!$broker->answers(1), 'a stopped broker does not answer');
$broker->start;

# A paused broker answers nothing, and goes on afterwards.
$broker->pause;
ok(!$broker->answers(1), 'nor does a paused one');
$broker->resume;
$broker->produce($topic, 0, 'y');
is_deeply([ $broker->offsets($topic) ], [ [ 0, 2 ] ], 'a resumed one does');

# The oracle notices one duplicate, on either side.
is(row_difference($node, 'VALUES (1), (1), (2)', 'VALUES (1), (2)'), 'surplus|(1)', 'a duplicate');
is(row_difference($node, 'VALUES (NULL::int)', 'VALUES (1), (NULL)'), 'missing|(1)', 'a loss');

done_testing();
