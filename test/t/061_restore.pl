# What an administrator does to a database: dump it and restore it elsewhere,
# and recover it to an earlier point in time.  Streams go on from the offsets
# that came with their results; a copy elsewhere only when it is told to.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $node = new_node('source');
my $topic = $broker->create_topic('restore', 2);
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';

# Events $from to $to, a second apart; every tenth is minutes late, every 50th no JSON.
sub produce
{
	my ($from, $to) = @_;
	$broker->produce_query($topic, $node, <<"END");
SELECT i % 2, NULL, NULL, CASE WHEN i % 50 = 0 THEN 'no JSON' ELSE
    jsonb_build_object('event_time', timestamptz '2026-03-01 00:00Z' + i * interval '1 second'
                           - CASE WHEN i % 10 = 1 THEN interval '150 seconds' ELSE interval '0' END,
                       'service', 'svc' || i % 3, 'n', i)::text END
FROM generate_series($from, $to) AS i
END
	return;
}

sub flush { my ($where, $database) = @_; $where->safe_psql($database // 'postgres', "SELECT kafka_stream.flush('s')"); return; }

# Everything equals the oracle over what the topic holds.
sub exact
{
	my ($where, $what, $events) = @_;
	$where->safe_psql('postgres', 'DROP TABLE IF EXISTS records, oracle');
	$broker->load_topic($topic, $where, 'records');
	$where->safe_psql('postgres', <<'END');
CREATE TABLE oracle AS
SELECT r.kafka_partition, r.kafka_offset, e.*,
       max(e.event_time) OVER (PARTITION BY r.kafka_partition ORDER BY r.kafka_offset
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS clock
FROM records AS r, jsonb_to_record(r.value::jsonb) AS e(event_time timestamptz, service text, n int)
WHERE r.value <> 'no JSON';
END
	same_rows($where, 'SELECT window_start, is_final, service, count, sum, list FROM minute', <<'END', "$what: windows");
SELECT w, w + interval '1 minute' <= (SELECT min(c) - interval '10 seconds' FROM (SELECT max(event_time) AS c FROM oracle GROUP BY kafka_partition) AS p),
       service, count(*), sum(n), array_agg(n ORDER BY event_time, kafka_partition, kafka_offset)
FROM oracle, kafka_stream.tumble(event_time, '1 minute') AS w
WHERE clock IS NULL OR clock < w + interval '70 seconds' GROUP BY 1, 2, 3
END
	same_rows($where, 'SELECT series, ts, value, score FROM scores',
		q(SELECT series, ts, value, score FROM kafka_stream.detect_zscore('minute', 'sum', partition_by => '{service}')), "$what: a detector");
	same_rows($where, 'SELECT kafka_partition, kafka_offset, window_end FROM s_late', <<'END', "$what: late rows");
SELECT kafka_partition, kafka_offset, w + interval '1 minute' FROM oracle, kafka_stream.tumble(event_time, '1 minute') AS w
WHERE clock >= w + interval '70 seconds'
END
	same_rows($where, 'SELECT service, count, sum FROM total', 'SELECT service, count(*), sum(n) FROM oracle GROUP BY 1', "$what: running view");
	same_rows($where, 'SELECT event_time, n FROM rows', 'SELECT event_time, n FROM oracle WHERE n % 2 = 0', "$what: cleansed rows");
	is($where->safe_psql('postgres', "SELECT count(*) || ' ' || count(DISTINCT (kafka_partition, kafka_offset)) FROM kafka_stream.dead_letters WHERE stream = 's'::regclass"),
		$events / 50 . ' ' . $events / 50, "$what: dead letters");
	is($where->safe_psql('postgres', "SELECT rows FROM kafka_stream.stats WHERE stream = 's'::regclass AND view IS NULL"),
		$where->safe_psql('postgres', 'SELECT count(*) FROM oracle'), "$what: counts");
	return;
}

$node->safe_psql('postgres', <<"END");
SELECT kafka_stream.create_stream('s', 'event_time timestamptz, service text, n int', topic => '$topic',
    brokers => '${\ $broker->brokers}', idle_timeout => NULL, batch_rows => 150);
SELECT kafka_stream.create_view('minute',
    'SELECT service, count(*), sum(n), array_agg(n) AS list FROM s GROUP BY tumble(event_time, ''1 minute''), service');
SELECT kafka_stream.create_view('total', 'SELECT service, count(*), sum(n) FROM s GROUP BY service');
SELECT kafka_stream.create_view('rows', 'SELECT event_time, n FROM s WHERE n % 2 = 0');
SELECT kafka_stream.create_view('scores',
    'SELECT * FROM kafka_stream.detect_zscore(''minute'', ''sum'', partition_by => ''{service}'')');
SELECT kafka_stream.create_stream('by_hand', 'event_time timestamptz, n int', source => 'insert', idle_timeout => NULL);
SELECT kafka_stream.create_view('by_hand_total', 'SELECT count(*), sum(n) FROM by_hand');
INSERT INTO by_hand (event_time, n) SELECT '2026-03-01', i FROM generate_series(1, 10) AS i;
END
produce(1, 500);
flush($node);

# ---- dump and restore ----

# while it reads, and before all is there
produce(501, 1000);
$node->command_ok([ 'pg_dump', '-Fc', '--no-unlogged-table-data', '-f', $dump, $node->connstr('postgres') ], 'dumped while it reads');
produce(1001, 2000);
flush($node);
exact($node, 'where it was dumped', 2000);

my $other = PostgreSQL::Test::Cluster->new('restored');
$other->init;
$other->append_conf('postgresql.conf', "shared_preload_libraries = 'kafka_stream'\nmax_worker_processes = 32\n");
$other->start;
$other->command_ok([ 'pg_restore', '--exit-on-error', '-d', $other->connstr('postgres'), $dump ], 'restored in another server');
select(undef, undef, undef, 2);
is($other->safe_psql('postgres', "SELECT string_agg(DISTINCT state, ',') FROM kafka_stream.streams"), 'stopped', 'streams are stopped there');
like($other->safe_psql('postgres', "SELECT reason FROM kafka_stream.streams WHERE stream = 's'::regclass"), qr/start_stream/, 'and say how to start them');
my $stood = $other->safe_psql('postgres', "SELECT sum(next_offset) FROM kafka_stream.partitions WHERE stream = 's'::regclass");
note "the dump stands at $stood of 2000 events";
ok($stood >= 500 && $stood <= 1000, 'with the offsets of the dump');
is($other->safe_psql('postgres', "SELECT rows + dead_letters FROM kafka_stream.stats WHERE stream = 's'::regclass AND view IS NULL"), $stood,
	'to which its counts fit');
is($other->safe_psql('postgres', 'SELECT sum(count) FROM total'),
	$other->safe_psql('postgres', "SELECT rows FROM kafka_stream.stats WHERE stream = 's'::regclass AND view IS NULL"), 'and its results');
is($other->safe_psql('postgres', 'SELECT count, sum FROM by_hand_total'), '10|55', 'INSERTs are there');
is($other->safe_psql('postgres', 'SELECT count(*) FROM by_hand'), 10, 'with their rows');
$other->restart;
select(undef, undef, undef, 1);
is($other->safe_psql('postgres', "SELECT string_agg(DISTINCT state, ',') FROM kafka_stream.streams"), 'stopped', 'still stopped after a restart');
$other->safe_psql('postgres', "SELECT kafka_stream.start_stream('s'); SELECT kafka_stream.start_stream('by_hand')");
flush($other);
exact($other, 'started by hand', 2000);
$other->safe_psql('postgres', "INSERT INTO by_hand (event_time, n) VALUES ('2026-03-01', 11)");
is($other->safe_psql('postgres', 'SELECT count, sum FROM by_hand_total'), '11|66', 'INSERTs go on');
# new objects do not clash with those of the dump
$other->safe_psql('postgres', <<'END');
SELECT kafka_stream.create_stream('fresh', 'event_time timestamptz, n int', source => 'insert');
SELECT kafka_stream.create_view('fresh_total', 'SELECT count(*) FROM fresh');
INSERT INTO fresh (event_time) VALUES ('2026-03-01');
END
is($other->safe_psql('postgres', 'SELECT count FROM fresh_total'), 1, 'and new streams can be made');

# the same database once more beside it, in the same server
$other->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$other->command_ok([ 'pg_restore', '--exit-on-error', '-d', $other->connstr('copy'), $dump ], 'restored in another database');
is($other->safe_psql('copy', "SELECT string_agg(DISTINCT state, ',') FROM kafka_stream.streams"), 'stopped', 'streams are stopped there, too');
$other->safe_psql('copy', "SELECT kafka_stream.start_stream('s')");
flush($other, 'copy');
is($other->safe_psql('copy', 'SELECT sum(count) FROM total'), $other->safe_psql('postgres', 'SELECT sum(count) FROM total'), 'and give the same');
$other->stop;

# ---- point-in-time recovery ----

my $archived = PostgreSQL::Test::Cluster->new('archived');
$archived->init(has_archiving => 1, allows_streaming => 1);
$archived->append_conf('postgresql.conf', "shared_preload_libraries = 'kafka_stream'\nmax_worker_processes = 32\n");
$archived->start;
$archived->command_ok([ 'pg_restore', '--exit-on-error', '-d', $archived->connstr('postgres'), $dump ], 'a server that archives');
$archived->safe_psql('postgres', "SELECT kafka_stream.start_stream('s')");
flush($archived);
$archived->backup('base');
produce(2001, 2400);
flush($archived);
$archived->safe_psql('postgres', "SELECT pg_create_restore_point('here')");
my $at = $archived->safe_psql('postgres', "SELECT sum(next_offset) FROM kafka_stream.partitions WHERE stream = 's'::regclass");
produce(2401, 3000);
flush($archived);
my $segment = $archived->safe_psql('postgres', 'SELECT pg_walfile_name(pg_switch_wal())');
ok(wait_for($archived, "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver"), 'archived');
$archived->stop;

my $recovered = PostgreSQL::Test::Cluster->new('recovered');
$recovered->init_from_backup($archived, 'base', has_restoring => 1, standby => 0);
$recovered->append_conf('postgresql.conf', <<'END');
recovery_target_name = 'here'
recovery_target_action = 'promote'
kafka_stream.enabled = off
END
$recovered->start;
$recovered->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'not recovered';
cmp_ok($at, '==', 2400, 'the point was in the middle');
is($recovered->safe_psql('postgres', "SELECT sum(next_offset) FROM kafka_stream.partitions WHERE stream = 's'::regclass"), $at, 'offsets are those of that time');
is($recovered->safe_psql('postgres', "SELECT sum(count) FROM total"), 2400 - 48, 'and so are results');
$recovered->append_conf('postgresql.conf', 'kafka_stream.enabled = on');
$recovered->reload;
ok(wait_for($recovered, "SELECT state FROM kafka_stream.streams WHERE stream = 's'::regclass", 'running'), 'then the stream runs');
flush($recovered);
exact($recovered, 'replayed from there', 3000);

done_testing();
