# Promise 3: when windows become final.  Idle partitions, partitions without a
# row, the run-on when all are idle, rows inserted into a stream of Kafka.
use strict;
use warnings;

use KafkaStream;
use Test::More;
use Time::HiRes qw(sleep time);

my $broker = KafkaStream::Broker->shared;
my $node = new_node('main');
my $brokers = $broker->brokers;

sub sql { my ($query) = @_; return $node->safe_psql('postgres', $query); }

sub event { my ($time) = @_; return qq({"event_time": "2026-03-01T$time"}); }

sub create
{
	my ($name, $topic, $idle, $more) = @_;
	$more //= '';
	# one transaction: the worker begins when all of it is there
	sql(<<"END");
BEGIN;
SELECT kafka_stream.create_stream('$name', 'event_time timestamptz', topic => '$topic', brokers => '$brokers',
    watermark_delay => '10 seconds', idle_timeout => $idle, batch_interval => '20 milliseconds');
SELECT kafka_stream.create_view('${name}_minute', 'SELECT count(*) FROM $name GROUP BY tumble(event_time, ''1 minute'')');
$more;
COMMIT;
END
	return;
}

sub watermark
{
	my ($name) = @_;
	sql("SELECT kafka_stream.flush('$name')");
	return sql("SELECT to_char(nullif(watermark, '-infinity') AT TIME ZONE 'UTC', 'HH24:MI:SS') FROM kafka_stream.views WHERE stream = '$name'::regclass");
}

sub finals { my ($name) = @_; return sql("SELECT count(*) FROM ${name}_minute WHERE is_final"); }

# ---- never idle: the slowest partition counts, and one without a row ----

my $topic = $broker->create_topic('watermark', 2);
$broker->produce($topic, 0, event('12:00:00Z'), event('12:05:30Z'));
create('never', $topic, 'NULL');
is(watermark('never'), '', 'a partition without a row holds the watermark');
sleep(2);
is(watermark('never'), '', 'for ever, if it is never idle');
$broker->produce($topic, 1, event('12:02:30Z'));
is(watermark('never'), '12:02:00', 'the slowest partition, minus the delay, down to a window\'s end');
is(finals('never'), '1', 'windows before are final');
$broker->produce($topic, 1, event('12:01:00Z'), event('12:04:10Z'));
is(watermark('never'), '12:04:00', 'goes on');
$broker->produce($topic, 1, event('12:03:59Z'));
is(watermark('never'), '12:04:00', 'never back');

# ---- an idle partition holds nothing back ----

create('soon', $topic, q('3 seconds'));
my $started = time();
is(watermark('soon'), '12:04:00', 'at first all are active');
cmp_ok(time() - $started, '<', 3, '(asked in time)');
# partition 0 keeps going, so that not all are idle
my $second = 35;
while (time() - $started < 6)
{
	$broker->produce($topic, 0, event(sprintf('12:10:%02dZ', ++$second)));
	sleep(0.3);
}
is(watermark('soon'), '12:10:00', 'partition 1 is idle: partition 0 alone counts') or diag($second);
is(sql("SELECT string_agg(idle::text, ' ' ORDER BY kafka_partition) FROM kafka_stream.partitions WHERE stream = 'soon'::regclass"),
	'false true', 'and it is shown');
$broker->produce($topic, 1, event('12:05:00Z'));
is(sql("SELECT kafka_stream.flush('soon'); SELECT late FROM kafka_stream.stats WHERE view = 'soon_minute'::regclass") =~ s/^\n//r, '3',
	'back again with a row for a window that is final: late, beside two that were late in their partition');
is(watermark('soon'), '12:10:00', 'and holds back, but not backwards');

# ---- all idle: on with the wall clock ----

ok(wait_for($node, "SELECT bool_and(idle) FROM kafka_stream.partitions WHERE stream = 'soon'::regclass"), 'then all are idle');
my $max = sql("SELECT to_char(max(clock) AT TIME ZONE 'UTC', 'HH24:MI:SS') FROM kafka_stream.partitions WHERE stream = 'soon'::regclass");
is($max, sprintf('12:10:%02d', $second), 'the highest clock');
is(finals('soon'), sql("SELECT count(*) FROM soon_minute") - 1, 'the last window is still open');
ok(wait_for($node, "SELECT bool_and(is_final) FROM soon_minute", 't', 80), 'it closes without another event');
cmp_ok(time() - $started, '>', 6 + 60 - $second, 'at wall-clock speed');

# ---- rows inserted beside: a partition of their own ----

create('mixed', $topic, q('3 seconds'), "INSERT INTO mixed VALUES ('2026-03-01 12:03:20Z')");
is(watermark('mixed'), '12:03:00', 'the partition of INSERTs counts');
ok(wait_for($node, "SELECT watermark >= '2026-03-01 12:04:00Z' FROM kafka_stream.views WHERE stream = 'mixed'::regclass"),
	'until nothing was inserted for idle_timeout');

done_testing();
