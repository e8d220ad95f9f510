# Promise 7: bounded memory whatever the lag, the size of messages and the number
# of partitions; and readers who hold snapshots and locks hold up nothing for
# good.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $node = new_node('bounds');

# A worker holds 64 MB of messages (KS_READER_MAX_BYTES) and what is queued in
# librdkafka, limited to 16 MB here, each a message and a fetch larger; rows of a
# batch twice; work_mem of 64 MB; and what every process has.
my $limit_kb = 320 * 1024;
my $queue = "\"queued.max.messages.kbytes\" '16384'";

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sub flush { my ($name) = @_; return sql("SELECT kafka_stream.flush('$name', '3 minutes')"); }

sub peak_kb
{
	my ($name) = @_;
	my $pid = sql("SELECT pid FROM kafka_stream.streams WHERE stream = '$name'::regclass");
	my ($peak) = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m;
	note "$name: $peak kB at most";
	return $peak;
}

sql("CREATE SERVER small FOREIGN DATA WRAPPER kafka_stream OPTIONS (\"bootstrap.servers\" '${\ $broker->brokers}', $queue)");

# ---- 10 MB messages, more of them than memory may hold ----

my $large_sends = 15;
my $large = $broker->create_topic('large', 2);
{
	my $padding = 'x' x (10 * 1024 * 1024);
	# escaped once, sent often
	my $records = join('', map { KafkaStream::Broker::record_line($_, undef, undef, qq({"event_time": "2026-03-01T00:00:00Z", "n": $_, "body": "$padding"})) } 0, 1)
	  . join('', map { KafkaStream::Broker::record_line($_ % 2, undef, undef, '{"event_time": "2026-03-01T00:00:00Z", "n": 2, "body": "small"}') } 1 .. 20);
	$broker->_tool($records, 'produce', $large) for 1 .. $large_sends;
}
cmp_ok($large_sends * 2 * 10 * 1024, '>=', $limit_kb - 20 * 1024, 'the messages are many');
sql(<<"END");
SELECT kafka_stream.create_stream('large', 'event_time timestamptz, n int, body text', topic => '$large', server => 'small', retention => '0');
SELECT kafka_stream.create_view('large_total', 'SELECT n, count(*), sum(length(body)) FROM large GROUP BY n');
END
flush('large');
is(sql('SELECT * FROM large_total ORDER BY n'), join("\n", (map { "$_|$large_sends|" . $large_sends * 10 * 1024 * 1024 } 0, 1), "2|300|1500"), '10 MB messages are folded');
cmp_ok(peak_kb('large'), '<', $limit_kb, 'within the memory of a worker');

# ---- 100 partitions and a backlog ----

my $many = $broker->create_topic('many', 100);
$broker->produce_query($many, $node, <<'END');
SELECT i % 100, NULL, NULL, '{"event_time": "2026-03-01T00:' || lpad((i / 5000 % 60)::text, 2, '0') || ':00Z", "n": ' || i || ', "service": "svc' || i % 50 || '", "body": "' || repeat('z', 150) || '"}'
FROM generate_series(0, 199999) AS i
END
sql(<<"END");
SELECT kafka_stream.create_stream('many', 'event_time timestamptz, n int, service text, body text', topic => '$many', server => 'small', idle_timeout => NULL);
SELECT kafka_stream.create_view('many_minute', 'SELECT service, count(*), sum(n), count(DISTINCT n) AS distinct_n FROM many GROUP BY tumble(event_time, ''1 minute''), service');
END
flush('many');
is(sql('SELECT count(*), sum(next_offset) FROM kafka_stream.partitions WHERE stream = \'many\'::regclass'), '100|200000', '100 partitions are read to their ends');
same_rows($node, 'SELECT window_start, service, count, sum, distinct_n FROM many_minute', <<'END', 'and exact');
SELECT timestamptz '2026-03-01 00:00Z' + (i / 5000 % 60) * interval '1 minute', 'svc' || i % 50, count(*), sum(i), count(*) FROM generate_series(0, 199999) AS i GROUP BY 1, 2
END
cmp_ok(peak_kb('many'), '<', $limit_kb, 'within the memory of a worker');

# ---- snapshots and locks of others ----

my $topic = $broker->create_topic('locked', 1);
my $sent = 0;

# So many events, a second apart.
sub produce
{
	my ($n) = @_;
	$broker->produce($topic, 0, map { $sent++; sprintf('{"event_time": "2026-03-01T%02d:%02d:%02dZ", "n": %d}', $sent / 3600, $sent / 60 % 60, $sent % 60, $sent) } 1 .. $n);
	return;
}

sub exact
{
	my ($what) = @_;
	flush('locked');
	same_rows($node, 'SELECT window_start, count, sum FROM locked_minute', <<"END", $what);
SELECT date_trunc('minute', timestamptz '2026-03-01 00:00Z' + i * interval '1 second'), count(*), sum(i) FROM generate_series(1, $sent) AS i GROUP BY 1
END
	return;
}

sql(<<"END");
SELECT kafka_stream.create_stream('locked', 'event_time timestamptz, n int', topic => '$topic', server => 'small',
    idle_timeout => NULL, watermark_delay => '0', batch_rows => 50);
SELECT kafka_stream.create_view('locked_minute', 'SELECT count(*), sum(n) FROM locked GROUP BY tumble(event_time, ''1 minute'')');
END
produce(300);
exact('before');

# A snapshot that is older than everything, in a session that has read all of it.
my $reader = $node->background_psql('postgres');
my $query = 'SELECT count(*), sum(sum) FROM locked_minute';
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $seen = $reader->query_safe($query);
$reader->query_safe('SELECT count(*) FROM locked');
for (1 .. 5)
{
	produce(200);
	flush('locked');
}
exact('a reader with an old snapshot stops nothing');
is($reader->query_safe($query), $seen, 'and sees what it saw');
cmp_ok(sql('SELECT count(*) FROM locked_minute WHERE is_final'), '>=', 20, 'windows become final meanwhile');
$reader->query_safe('COMMIT');
is($reader->query_safe($query), sql($query), 'then it sees all');

# Locks that stop writing: on the table of final windows, of states, of staging.
my %locks = (
	'final windows' => 'SELECT finals FROM kafka_stream_internal.view WHERE view = \'locked_minute\'::regclass',
	states => 'SELECT states FROM kafka_stream_internal.view WHERE view = \'locked_minute\'::regclass',
	staging => 'SELECT \'locked\'::regclass',
	'a segment' => 'SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = \'locked\'::regclass AND pg_relation_size(inhrelid) > 0 LIMIT 1');
for my $what (sort keys %locks)
{
	my $table = sql($locks{$what});
	$reader->query_safe("BEGIN; LOCK TABLE $table IN ACCESS EXCLUSIVE MODE");
	produce(200);
	ok(wait_for($node, "SELECT count(*) FROM pg_stat_activity JOIN kafka_stream.streams USING (pid) WHERE stream = 'locked'::regclass AND wait_event_type = 'Lock'", 1),
		"the worker waits for a lock on $what");
	is(sql("SELECT state FROM kafka_stream.streams WHERE stream = 'many'::regclass"), 'running', 'others do not');
	cmp_ok(peak_kb('locked'), '<', $limit_kb, 'and holds no more memory for it');
	$reader->query_safe('COMMIT');
	exact("exact when the lock on $what is gone");
}
# a shared lock, as readers and backups take it, is in nobody's way
$reader->query_safe(join('; ', 'BEGIN', map { "LOCK TABLE $_ IN ACCESS SHARE MODE" } map { sql($_) } values %locks));
produce(200);
exact('shared locks stop nothing');
$reader->query_safe('COMMIT');
$reader->quit;

done_testing();
