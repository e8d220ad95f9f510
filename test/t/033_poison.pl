# Promise 4: no poison.  Messages that do not fit become dead letters with their
# bytes and their error; the rest of the batch goes on, and no clock moves.
use strict;
use warnings;

use KafkaStream;
use Test::More;
use Time::HiRes qw(time);

my $broker = KafkaStream::Broker->shared;
my $node = new_node('main');
my $brokers = $broker->brokers;

sub sql { my ($query) = @_; return $node->safe_psql('postgres', $query); }

# column, value and the error's SQLSTATE for each message that cannot fit
my @poison = (
	[ undef, 'no json', '22P02' ],
	[ undef, '{"event_time": "2026-03-01T12:00:00Z", "n": 1', '22P02' ],
	[ undef, '[1, 2]', undef ],
	[ undef, '', undef ],
	[ undef, qq({"event_time": "2026-03-01T12:00:00Z", "s": "\xff\xfe"}), undef ],
	[ 's', '{"event_time": "2026-03-01T12:00:00Z", "s": "a\u0000b"}', undef ],
	[ 'n', '{"event_time": "2026-03-01T12:00:00Z", "n": "many"}', '22P02' ],
	[ 'n', '{"event_time": "2026-03-01T12:00:00Z", "n": 99999999999}', '22003' ],
	[ 'event_time', '{"event_time": "2026-02-30T12:00:00Z", "n": 1}', undef ],
	[ 'event_time', '{"event_time": "now", "n": 1}', undef ],
	[ 'event_time', '{"event_time": "infinity", "needed": 1}', '22008' ],
	[ 'event_time', '{"needed": 1}', '22004' ],
	[ 'event_time', '{"event_time": null, "needed": 1}', '22004' ],
	[ 'event_time', '{"event_time": "2099-01-01T00:00:00Z", "needed": 1}', '22008' ],
	[ 'needed', '{"event_time": "2026-03-01T12:00:00Z", "needed": null}', '23502' ],
	[ undef, '{"event_time": "2026-03-01T12:00:00Z", "n": -1, "needed": 1}', '23514' ],
	[ undef, '{"event_time": "2026-03-01T12:00:00Z", "d": 0, "needed": 1}', '22012' ],
	[ undef, '{"event_time": "2026-03-01T12:00:00Z", "j": ' . '[' x 100000 . ']' x 100000 . '}', '54000' ],
);

my $topic = $broker->create_topic('poison', 1);
my $good = 0;
my $big = 'x' x 10_000_000;
for my $one (@poison)
{
	$broker->produce($topic, 0, map { sprintf('{"event_time": "2026-03-01T12:00:%02dZ", "n": 1, "d": 2, "needed": 1}', ++$good % 60) } 1 .. 10)
	  if $good < 50;
	$broker->produce($topic, 0, $one->[1]);
}
$broker->produce($topic, 0, qq({"event_time": "2026-03-01T12:00:59Z", "n": 1, "s": "$big", "needed": 1}), undef, undef);
$good++;

sql(<<"END");
SELECT kafka_stream.create_stream('s',
    'event_time timestamptz, n int DEFAULT 7 CHECK (n >= 0), s text, d int DEFAULT 1, j jsonb,
     inverse int GENERATED ALWAYS AS (100 / d) STORED, needed int NOT NULL',
    topic => '$topic', brokers => '$brokers', batch_interval => '20 milliseconds');
SELECT kafka_stream.create_view('v', 'SELECT count(*), sum(n), sum(inverse) AS inverse FROM s');
SELECT kafka_stream.flush('s');
END

my @letters = split /\n/, sql('SELECT coalesce(column_name, $$-$$), sqlstate, error FROM kafka_stream.dead_letters ORDER BY kafka_offset');
is(scalar(@letters), scalar(@poison), 'each of them is a dead letter') or diag(join("\n", @letters));
for my $i (0 .. $#poison)
{
	my ($column, $state, $error) = split /\|/, $letters[$i] // '', 3;
	my ($expected_column, $value, $expected_state) = @{ $poison[$i] };
	my $name = substr($value, 0, 60) =~ s/[^ -~]/?/gr;

	is($column, $expected_column // '-', "column of $name");
	is($state, $expected_state, "error of $name") if $expected_state;
	like($state, qr/^(?:2[23]|54)/, "it is the message's own fault: $name");
	isnt($error, '', 'it says why') or diag($name);
}
is(sql('SELECT count(*) FROM kafka_stream.dead_letters WHERE value IS NULL OR kafka_offset IS NULL OR topic IS NULL'), '0', 'each with its bytes and its place');
is(sql('SELECT count, sum, inverse FROM v'), "$good|$good|" . (50 * ($good - 1) + 100), 'the rest is in the view');
is(sql('SELECT length(s) FROM s WHERE s IS NOT NULL'), '10000000', 'a value of 10 MB is no poison');
is(sql('SELECT rows, dead_letters, tombstones FROM kafka_stream.stats WHERE view IS NULL'), "$good|" . scalar(@poison) . '|2',
	'each message is a row, a dead letter or a tombstone');
is(sql('SELECT clock <= $$2026-03-01T12:00:59Z$$ FROM kafka_stream.partitions'), 't', 'no dead letter moved the clock');
is(sql('SELECT state, pid IS NOT NULL FROM kafka_stream.streams'), 'running|t', 'the stream runs');

# ---- on_error => 'stop' ----

my $strict = $broker->create_topic('strict', 1);
$broker->produce($strict, 0, '{"event_time": "2026-03-01T12:00:00Z", "n": 1}');
sql("SELECT kafka_stream.create_stream('strict', 'event_time timestamptz, n int', topic => '$strict', brokers => '$brokers', on_error => 'stop')");
sql("SELECT kafka_stream.flush('strict')");
$broker->produce($strict, 0, '{"event_time": "2026-03-01T12:00:00Z", "n": "x"}', '{"event_time": "2026-03-01T12:00:00Z", "n": 2}');
ok(wait_for($node, "SELECT state = 'failed' AND reason LIKE '%offset 1 of partition 0%' FROM kafka_stream.streams WHERE stream = 'strict'::regclass"),
	'on_error stop: names the message');
is(sql('SELECT next_offset FROM kafka_stream.partitions WHERE stream = $$strict$$::regclass'), '1', 'and stays before it');
sql(q(SELECT kafka_stream.alter_stream('strict', '{"on_error": "dead_letter"}')));
sql("SELECT kafka_stream.flush('strict')");
is(sql('SELECT count(*), sum(n) FROM strict'), '2|3', 'told to go on, it does');

# ---- a batch full of poison is no slower by much ----

my $full = $broker->create_topic('full', 1);
$broker->produce($full, 0, map { $_ % 2 ? '{"event_time": "2026-03-01T12:00:00Z", "d": 0}' : '{"event_time": "2026-03-01T12:00:00Z", "d": 5}' } 1 .. 10000);
my $started = time();
sql("SELECT kafka_stream.create_stream('full_of_it', 'event_time timestamptz, d int, inverse int GENERATED ALWAYS AS (1 / d) STORED', topic => '$full', brokers => '$brokers')");
sql("SELECT kafka_stream.flush('full_of_it')");
is(sql("SELECT rows, dead_letters FROM kafka_stream.stats WHERE stream = 'full_of_it'::regclass AND view IS NULL"), '5000|5000', 'every second message is one');
cmp_ok(time() - $started, '<', 30, 'in reasonable time');

done_testing();
