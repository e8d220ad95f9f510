# Brokers that go away, hang, lose records, or are not the same any more: the
# stream waits, says why, and never skips or repeats a record.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $broker = KafkaStream::Broker->new;
my $node = new_node('main');
my $brokers = $broker->brokers;

sub sql { my ($query) = @_; return $node->safe_psql('postgres', $query); }

sub events
{
	my ($from, $to) = @_;
	return map { qq({"event_time": "2026-03-01T12:00:00Z", "n": $_}) } $from .. $to;
}

sub create
{
	my ($name, $topic, $more) = @_;
	sql(<<"END");
SELECT kafka_stream.create_stream('$name', 'event_time timestamptz, n int', topic => '$topic',
    brokers => '$brokers', batch_interval => '20 milliseconds'${\($more // '')});
SELECT kafka_stream.create_view('${name}_sum', 'SELECT count(*), sum(n) FROM $name');
END
	return;
}

sub sum_is
{
	my ($stream, $expected, $name) = @_;
	sql("SELECT kafka_stream.flush('$stream')");
	return is(sql("SELECT count || ' ' || sum FROM ${stream}_sum"), $expected, $name);
}

sub state_is
{
	my ($stream, $state, $reason, $name) = @_;

	ok(wait_for($node, "SELECT state FROM kafka_stream.streams WHERE stream = '$stream'::regclass", $state), $name)
	  and like(sql("SELECT coalesce(reason, '') FROM kafka_stream.streams WHERE stream = '$stream'::regclass"), $reason, "$name: says why");
	return;
}

# ---- stopped, killed, hanging ----

my $topic = $broker->create_topic('faults', 2);
$broker->produce($topic, 0, events(1, 10));
create('s', $topic);
sum_is('s', '10 55', 'reads');
$broker->stop;
state_is('s', 'retrying', qr/./, 'broker stopped');
sql("INSERT INTO s VALUES ('2026-03-01 12:00Z', 1000)");
is(sql('SELECT count || $$ $$ || sum FROM s_sum'), '11 1055', 'rows can be inserted meanwhile');
$broker->start;
state_is('s', 'running', qr/^$/, 'broker started');
$broker->produce($topic, 1, events(11, 20));
sum_is('s', '21 1210', 'goes on');
$broker->kill9;
sleep(1);
$broker->start;
$broker->produce($topic, 0, events(21, 30));
sum_is('s', '31 1465', 'killed and started: goes on');

$broker->pause;
sleep(2);
my $pid = sql("SELECT pid FROM kafka_stream.streams WHERE stream = 's'::regclass");
my $started = time();
$node->stop('fast');
cmp_ok(time() - $started, '<', 10, 'fast stop while the broker hangs');
ok(!kill(0, $pid), 'the worker is gone');
$node->start;
sleep(1);
$started = time();
sql("SELECT kafka_stream.stop_stream('s')");
ok(wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker'", 't', 20),
	'stop_stream while connecting to a broker that hangs');
cmp_ok(time() - $started, '<', 10, 'takes less than 10 s');
sql("SELECT kafka_stream.start_stream('s')");
$started = time();
sql('CREATE DATABASE d');
sql('DROP DATABASE d');
cmp_ok(time() - $started, '<', 5, 'DROP DATABASE elsewhere is not held up');
$broker->resume;
$broker->produce($topic, 1, events(31, 40));
sum_is('s', '41 1820', 'goes on when it answers');

# ---- transactions of Kafka ----

my $tx = $broker->create_topic('transactions', 1);
sub record { my ($n) = @_; return KafkaStream::Broker::record_line(0, undef, undef, (events($n, $n))[0]); }
$broker->produce_transactions($tx, 'tx1', 'begin', (map { record($_) } 1 .. 5), 'abort',
	'begin', (map { record($_) } 6 .. 10), 'commit', 'begin', (map { record($_) } 11 .. 15), 'abort');
create('t', $tx);
sum_is('t', '5 40', 'aborted records are absent');
is(sql("SELECT next_offset = end_offset AND lag = 0 FROM kafka_stream.partitions WHERE stream = 't'::regclass"), 't',
	'read to the end, over control records');
$broker->produce_transactions($tx, 'tx2', 'begin', record(100), 'commit');
sum_is('t', '6 140', 'and beyond');

# ---- records that are gone ----

my $lost = $broker->create_topic('lost', 1);
$broker->produce($lost, 0, events(1, 10));
create('l', $lost);
sum_is('l', '10 55', 'reads');
sql("SELECT kafka_stream.stop_stream('l')");
$broker->produce($lost, 0, events(11, 20));
$broker->truncate_topic($lost, 0, 15);
sql("SELECT kafka_stream.start_stream('l')");
state_is('l', 'failed', qr/offsets 10 to 14 of partition 0 .* no longer at the broker/, 'retention passed the offset');
is(sql("SELECT next_offset FROM kafka_stream.partitions WHERE stream = 'l'::regclass"), '10', 'the offset stays');
sql(q(SELECT kafka_stream.alter_stream('l', '{"on_data_loss": "continue"}')));
sum_is('l', '15 145', 'on_data_loss continue: goes on with what there is');
is(sql("SELECT lost FROM kafka_stream.stats WHERE stream = 'l'::regclass AND view IS NULL"), '5', 'and counts what is lost');

# an interruption between two batches
my $cut = $broker->create_topic('cut', 1);
create('c', $cut);
$broker->produce($cut, 0, events(1, 5));
sum_is('c', '5 15', 'reads');
$broker->stop;
state_is('c', 'retrying', qr/./, 'cut off');
$broker->start;
$broker->produce($cut, 0, events(6, 10));
sum_is('c', '10 55', 'goes on');

# ---- a topic that was made again ----

my $again = $broker->create_topic('again', 1);
$broker->produce($again, 0, events(1, 10));
create('a', $again);
sum_is('a', '10 55', 'reads');
sql("SELECT kafka_stream.stop_stream('a')");
sub make_again
{
	my (@values) = @_;
	$broker->delete_topic($again);
	for (1 .. 50)
	{
		last if eval { $broker->create_exact_topic($again, 1); 1 };
		sleep(0.2);
	}
	$broker->produce($again, 0, @values) if @values;
	return;
}
make_again(events(1, 3));
sql("SELECT kafka_stream.start_stream('a')");
state_is('a', 'failed', qr/ends at offset 3, but was read up to 10/, 'made again, shorter');
make_again(events(101, 120));
sql("SELECT kafka_stream.start_stream('a')");
state_is('a', 'failed', qr/not the one that was read before/, 'made again, longer');
is(sql('SELECT count FROM a_sum'), '10', 'nothing of it was read');
sql("SELECT kafka_stream.seek_stream('a', 'earliest', reset_views => true)");
sum_is('a', '20 2210', 'seek_stream begins anew');
$broker->delete_topic($again);
sql("SELECT kafka_stream.stop_stream('a'); SELECT kafka_stream.start_stream('a')");
state_is('a', 'retrying', qr/does not exist/, 'deleted');
is(sql("SELECT state FROM kafka_stream.streams WHERE stream = 's'::regclass"), 'running', 'other streams are not concerned');

done_testing();
