# What does not stay: staged rows by age and by size, late rows, dead letters.
# Views keep what they counted.
use strict;
use warnings;

use KafkaStream;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $node = new_node('main');
my $brokers = $broker->brokers;

sub sql { my ($query) = @_; return $node->safe_psql('postgres', $query); }

sub create
{
	my ($name, $topic, $more) = @_;
	sql(<<"END");
SELECT kafka_stream.create_stream('$name', 'event_time timestamptz, n int, s text', topic => '$topic', brokers => '$brokers',
    watermark_delay => '0', $more);
SELECT kafka_stream.create_view('${name}_sum', 'SELECT count(*), sum(n) FROM $name');
SELECT kafka_stream.create_view('${name}_minute', 'SELECT count(*) FROM $name GROUP BY tumble(event_time, ''1 minute'')');
SELECT kafka_stream.flush('$name');
END
	return;
}

my $topic = $broker->create_topic('retention', 1);
$broker->produce($topic, 0, map { sprintf('{"event_time": "2026-03-01T12:%02d:00Z", "n": %d}', $_ % 60, $_) } 1 .. 100);
$broker->produce($topic, 0, 'poison');

create('short', $topic, q(retention => '1 second', late_retention => '1 second', dead_letter_retention => '1 second'));
create('nothing', $topic, q(retention => '0'));
create('long', $topic, q(retention => '1 hour'));
is(sql('SELECT count(*) FROM nothing'), '0', 'retention 0 stages nothing');
is(sql('SELECT count, sum FROM nothing_sum'), '100|5050', 'but counts');
ok(wait_for($node, 'SELECT count(*) = 0 FROM short'), 'staged rows go');
is(sql('SELECT count, sum FROM short_sum'), '100|5050', 'views keep them');
is(sql('SELECT count(*) FROM long'), '100', 'other streams keep theirs');

# late rows and dead letters
cmp_ok(sql('SELECT count(*) FROM short_late'), '>', 0, 'there are late rows');
sql("SELECT pg_sleep(1.5)");
sql("SELECT kafka_stream.stop_stream('short'); SELECT kafka_stream.start_stream('short')");
ok(wait_for($node, 'SELECT count(*) = 0 FROM short_late'), 'late rows go');
ok(wait_for($node, q(SELECT count(*) = 0 FROM kafka_stream.dead_letters WHERE stream = 'short'::regclass)), 'dead letters go');
is(sql('SELECT count(*) FROM kafka_stream.dead_letters'), '2', 'those of others stay');
cmp_ok(sql("SELECT sum(late) FROM kafka_stream.stats WHERE stream = 'short'::regclass"), '>', 0, 'counts stay');

# the limit of bytes
my $big = $broker->create_topic('big', 1);
my $filler = 'x' x 1000;
$broker->produce($big, 0, map { sprintf('{"event_time": "2026-03-01T12:00:00Z", "n": %d, "s": "%d%s"}', $_, $_, $filler) } 1 .. 5000);
create('limited', $big, q(retention => '1 hour', staging_limit => 1048576));
ok(wait_for($node, "SELECT reason LIKE 'staging_limit reached%' AND state = 'running' FROM kafka_stream.streams WHERE stream = 'limited'::regclass"),
	'staging_limit reached: says so');
ok(wait_for($node, "SELECT sum(pg_relation_size(inhrelid)) < 1048576 FROM pg_inherits WHERE inhparent = 'limited'::regclass"), 'and keeps the limit');
is(sql('SELECT count FROM limited_sum'), '5000', 'views have every row');

done_testing();
