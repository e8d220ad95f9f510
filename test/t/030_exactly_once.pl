# Promise 1: exactly once, through crashes.  While events come in, the worker, a
# backend that has nothing to do with it, and the postmaster are killed, and the
# server is stopped at once, each several times at random points.  In the end
# every view equals its own query over the records of the topic.
use strict;
use warnings;

use IPC::Run qw(start);
use KafkaStream;
use PostgreSQL::Test::Utils;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{KS_SEED} // time() % 1000000;
note "KS_SEED=$seed gives the same events and pauses again";
srand($seed);

my $events = 24000;
my $broker = KafkaStream::Broker->shared;
my $node = new_node('main');

sub sql { my ($query) = @_; return $node->safe_psql('postgres', $query); }

# One event in a hundred is up to five minutes late, one in 500 no JSON.
my @records = split /\n/, sql(<<"END");
SELECT concat_ws(E'\\t', i % 4, '\\N', '\\N',
    CASE WHEN i % 500 = 499 THEN '{"event_time": ' || i
    ELSE jsonb_build_object('event_time', at, 'service', 'svc' || i % 7, 'n', i, 'rt', (i * 37 % 1000) / 8.0)::text END)
FROM (SELECT setseed(${\($seed / 1000000)})) AS seed,
     LATERAL (SELECT i, timestamptz '2026-03-01 00:00Z' + i * interval '100 milliseconds'
                  - CASE WHEN i % 100 = 0 THEN random() * interval '5 minutes' ELSE random() * interval '5 seconds' END AS at
              FROM generate_series(1, $events) AS i) AS e
END
is(scalar(@records), $events, 'events are made');

my $topic = $broker->create_topic('exactly', 4);
sql(<<"END");
SELECT kafka_stream.create_stream('s', 'event_time timestamptz, service text, n int, rt float8',
    topic => '$topic', brokers => '${\ $broker->brokers}', watermark_delay => '30 seconds',
    idle_timeout => NULL, batch_rows => 300, batch_interval => '20 milliseconds');
SELECT kafka_stream.create_view('minute',
    'SELECT service, count(*), sum(n), count(DISTINCT n % 50) AS distinct_n, max(rt)
     FROM s GROUP BY tumble(event_time, ''1 minute''), service');
SELECT kafka_stream.create_view('hopping',
    'SELECT count(*), sum(n), min(n) FROM s WHERE n % 3 = 0 GROUP BY hop(event_time, ''2 minutes'', ''30 seconds'')');
SELECT kafka_stream.create_view('running', 'SELECT service, count(*), sum(n) FROM s GROUP BY service');
SELECT kafka_stream.create_view('rows', 'SELECT event_time, upper(service) AS service, n FROM s WHERE n % 2 = 0');
SELECT kafka_stream.create_view('scores',
    'SELECT * FROM kafka_stream.detect_zscore(''minute'', ''sum'', partition_by => ''{service}'')');
SELECT kafka_stream.create_view('jumps',
    'SELECT * FROM kafka_stream.detect_spike(''hopping'', ''sum'')');
END

# ---- load, in a process of its own ----

my $producer = fork() // die "cannot fork: $!";
if ($producer == 0)
{
	while (my @chunk = splice(@records, 0, 150))
	{
		$broker->_tool(join("\n", @chunk, ''), 'produce', $topic);
	}
	POSIX::_exit(0);
}

# ---- faults ----

sub worker_pid { return sql(q(SELECT pid FROM kafka_stream.streams WHERE stream = 's'::regclass)); }

sub wait_until_up { return wait_for($node, 'SELECT true') || die 'the server did not come back'; }

sub kill_worker
{
	wait_for($node, q(SELECT pid IS NOT NULL FROM kafka_stream.streams));
	my $pid = worker_pid();
	kill('KILL', $pid) if $pid;
	return;
}

sub kill_backend
{
	my $output = '';
	my $handle = start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT pg_sleep(60)' ],
		'<', \'', '>', \$output, '2>&1');

	wait_for($node, q(SELECT count(*) = 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'));
	my $pid = sql(q(SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'));
	kill('KILL', $pid);
	$handle->finish;
	return;
}

sub kill_postmaster
{
	my $deadline = time() + 30;

	$node->kill9;
	# what is left of its children must be gone first
	until ($node->start(fail_ok => 1))
	{
		die 'the server did not start' if time() > $deadline;
		$node->{_pid} = undef;		# that of the old postmaster's file
		sleep(0.2);
	}
	return;
}

sub stop_at_once
{
	$node->stop('immediate');
	$node->start;
	return;
}

my @faults = (\&kill_worker, \&kill_backend, \&kill_postmaster, \&stop_at_once);
my @names = ('worker killed', 'backend killed', 'postmaster killed', 'immediate stop');
for my $round (1 .. 3)
{
	for my $i (0 .. $#faults)
	{
		sleep(rand(1.2));
		$faults[$i]->();
		wait_until_up();
		pass("$names[$i], round $round");
	}
}
waitpid($producer, 0);
is($?, 0, 'all events were sent');
# once more when everything is there, but not yet read
kill_worker();
wait_until_up();
ok(wait_for($node, q(SELECT state = 'running' FROM kafka_stream.streams)), 'the stream runs again');
sql(q(SELECT kafka_stream.flush('s', '2 minutes')));

# ---- the oracle ----

$broker->load_topic($topic, $node, 'records');
sql(<<'END');
CREATE TABLE oracle AS
SELECT r.kafka_partition, r.kafka_offset, e.*,
       max(e.event_time) OVER (PARTITION BY r.kafka_partition ORDER BY r.kafka_offset
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS clock
FROM records AS r, jsonb_to_record(r.value::jsonb) AS e(event_time timestamptz, service text, n int, rt float8)
WHERE r.value LIKE '%}';
CREATE TABLE final_to AS
SELECT min(clock) - interval '30 seconds' AS watermark
FROM (SELECT max(event_time) AS clock FROM oracle GROUP BY kafka_partition) AS p;
END
is(sql('SELECT count(*) FROM records'), $events, 'the topic has every event once');
same_rows($node, 'SELECT window_start, service, count, sum, distinct_n, max, is_final FROM minute', <<'END', 'tumbling windows');
SELECT w, service, count(*), sum(n), count(DISTINCT n % 50), max(rt), w + interval '1 minute' <= (SELECT watermark FROM final_to)
FROM oracle, kafka_stream.tumble(event_time, '1 minute') AS w
WHERE clock IS NULL OR clock < w + interval '1 minute' + interval '30 seconds' GROUP BY 1, 2
END
same_rows($node, 'SELECT window_start, count, sum, min FROM hopping', <<'END', 'hopping windows');
SELECT w, count(*), sum(n), min(n) FROM oracle, kafka_stream.hop(event_time, '2 minutes', '30 seconds') AS w
WHERE n % 3 = 0 AND (clock IS NULL OR clock < w + interval '2 minutes' + interval '30 seconds') GROUP BY 1
END
same_rows($node, 'SELECT series, ts, value, score, is_anomaly FROM scores',
	q(SELECT series, ts, value, score, is_anomaly FROM kafka_stream.detect_zscore('minute', 'sum', partition_by => '{service}')), 'a detector with state');
same_rows($node, 'SELECT ts, value, score, is_anomaly FROM jumps',
	q(SELECT ts, value, score, is_anomaly FROM kafka_stream.detect_spike('hopping', 'sum')), 'a detector over hopping windows');
cmp_ok(sql('SELECT count(score) FROM scores'), '>', 100, 'which has judged windows');
same_rows($node, 'SELECT service, count, sum FROM running',
	'SELECT service, count(*), sum(n) FROM oracle GROUP BY 1', 'running aggregate');
same_rows($node, 'SELECT event_time, service, n FROM rows',
	'SELECT event_time, upper(service), n FROM oracle WHERE n % 2 = 0', 'cleansed rows');
same_rows($node, q(SELECT kafka_partition, kafka_offset, n, window_end FROM s_late WHERE view = 'minute'::regclass), <<'END', 'late rows');
SELECT kafka_partition, kafka_offset, n, w + interval '1 minute'
FROM oracle, kafka_stream.tumble(event_time, '1 minute') AS w
WHERE clock >= w + interval '1 minute' + interval '30 seconds'
END
same_rows($node, 'SELECT kafka_partition, kafka_offset, convert_from(value, $$UTF8$$) FROM kafka_stream.dead_letters',
	q(SELECT kafka_partition, kafka_offset, value FROM records WHERE value NOT LIKE '%}'), 'dead letters');
same_rows($node, 'SELECT kafka_partition, next_offset FROM kafka_stream.partitions',
	'SELECT kafka_partition, max(kafka_offset) + 1 FROM records GROUP BY 1', 'offsets');
same_rows($node, 'SELECT rows, dead_letters, lost, tombstones FROM kafka_stream.stats WHERE view IS NULL',
	"SELECT $events - count(*), count(*), 0::bigint, 0::bigint FROM records WHERE value NOT LIKE '%}'", 'counts of the stream');
is(sql("SELECT bool_and(folded + filtered + late = (SELECT count(*) FROM oracle)) FROM kafka_stream.stats WHERE view IS NOT NULL"),
	't', 'each row is folded, filtered or late, in each view');
cmp_ok(sql('SELECT count(*) FROM minute WHERE is_final'), '>', 100, 'windows became final on the way');

done_testing();
