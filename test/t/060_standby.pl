# A streaming standby: what is final is readable there, and after promotion the
# streams go on from the standby's own offsets, even if it lagged behind.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $primary = new_node('primary');
my $topic = $broker->create_topic('standby', 2);

# Events $from to $to, a second apart, in both partitions.
sub produce
{
	my ($from, $to) = @_;
	$broker->produce_query($topic, $primary, <<"END");
SELECT i % 2, NULL, NULL, jsonb_build_object('event_time', timestamptz '2026-03-01 00:00Z' + i * interval '1 second',
                                             'service', 'svc' || i % 3, 'n', i)::text
FROM generate_series($from, $to) AS i
END
	return;
}

my $final = 'SELECT window_start, service, count, sum, distinct_n FROM minute WHERE is_final';
my $open = 'SELECT window_start, service, count, sum, distinct_n FROM minute WHERE NOT is_final';
my $oracle = <<'END';
SELECT w, e.service, count(*), sum(n), count(DISTINCT n % 10)
FROM records, jsonb_to_record(value::jsonb) AS e(event_time timestamptz, service text, n int),
     kafka_stream.tumble(event_time, '1 minute') AS w
GROUP BY 1, 2
END

$primary->safe_psql('postgres', <<"END");
SELECT kafka_stream.create_stream('s', 'event_time timestamptz, service text, n int', topic => '$topic',
    brokers => '${\ $broker->brokers}', idle_timeout => NULL, batch_rows => 100);
SELECT kafka_stream.create_view('minute',
    'SELECT service, count(*), sum(n), count(DISTINCT n % 10) AS distinct_n FROM s GROUP BY tumble(event_time, ''1 minute''), service');
SELECT kafka_stream.create_view('rows', 'SELECT event_time, n FROM s WHERE n % 2 = 0');
SELECT kafka_stream.create_stream('by_hand', 'event_time timestamptz, n int', source => 'insert', idle_timeout => NULL);
SELECT kafka_stream.create_view('by_hand_total', 'SELECT count(*), sum(n) FROM by_hand');
END
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# ---- reading there ----

produce(1, 600);
$primary->safe_psql('postgres', "SELECT kafka_stream.flush('s')");
$primary->safe_psql('postgres', "INSERT INTO by_hand (event_time, n) SELECT '2026-03-01', i FROM generate_series(1, 10) i");
$primary->wait_for_catchup($standby);
cmp_ok($standby->safe_psql('postgres', "SELECT count(*) FROM ($final) AS f"), '>=', 27, 'final windows are readable on a standby');
is($standby->safe_psql('postgres', "SELECT md5(string_agg(f::text, ' ' ORDER BY f)) FROM ($final) AS f"),
	$primary->safe_psql('postgres', "SELECT md5(string_agg(f::text, ' ' ORDER BY f)) FROM ($final) AS f"), 'and the same as on the primary');
is($standby->safe_psql('postgres', "SELECT count(*), sum(count) FROM ($open) AS f"),
	$primary->safe_psql('postgres', "SELECT count(*), sum(count) FROM ($open) AS f"), 'so are open ones');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM rows'), 300, 'and rows of a cleansed stream');
is($standby->safe_psql('postgres', 'SELECT count, sum FROM by_hand_total'), '10|55', 'and those of INSERTs');
is($standby->safe_psql('postgres', 'SELECT sum(next_offset) FROM kafka_stream.partitions WHERE topic IS NOT NULL'), 600, 'offsets are readable');
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'kafka_stream%'"), 0, 'nothing runs there');
is($standby->safe_psql('postgres', "SELECT count(*) FROM kafka_stream.streams WHERE state IN ('running', 'retrying')"), 0, 'nor says that it does');
my ($result, $stdout, $stderr) = $standby->psql('postgres', "INSERT INTO by_hand (event_time, n) VALUES ('2026-03-01', 1)");
like($stderr, qr/read-only|recovery/, 'rows cannot be inserted there');

# ---- promotion of one that lags behind ----

$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
produce(601, 1200);
$primary->safe_psql('postgres', "SELECT kafka_stream.flush('s')");
$primary->safe_psql('postgres', "INSERT INTO by_hand (event_time, n) VALUES ('2026-03-01', 100)");
is($primary->safe_psql('postgres', 'SELECT sum(next_offset) FROM kafka_stream.partitions WHERE topic IS NOT NULL'), 1200, 'the primary goes on');
# what was not yet sent is lost with the primary
$primary->stop('immediate');
my $seen = $standby->safe_psql('postgres', 'SELECT sum(next_offset) FROM kafka_stream.partitions WHERE topic IS NOT NULL');
is($seen, 600, 'the standby lags behind');
# promotion replays what was received: cut it off where it stands
my $lsn = $standby->safe_psql('postgres', 'SELECT pg_last_wal_replay_lsn()');
$standby->stop;
$standby->append_conf('postgresql.conf', <<"END");
recovery_target_lsn = '$lsn'
recovery_target_action = 'promote'
primary_conninfo = ''
END
$standby->start;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
ok(wait_for($standby, q(SELECT state FROM kafka_stream.streams WHERE stream = 's'::regclass), 'running'),
	'after promotion the streams run by themselves');
$standby->safe_psql('postgres', "SELECT kafka_stream.flush('s')");
is($standby->safe_psql('postgres', 'SELECT count, sum FROM by_hand_total'), '10|55', 'INSERTs that were not replicated are not there');

$primary = $standby;
produce(1201, 1500);
$standby->safe_psql('postgres', "SELECT kafka_stream.flush('s')");
$broker->load_topic($topic, $standby, 'records');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM records'), 1500, 'the topic has all events');
same_rows($standby, "$final UNION ALL $open", $oracle, 'every window is exact, from the standby\'s own offsets');
same_rows($standby, 'TABLE rows', <<'END', 'and every row of the cleansed stream');
SELECT e.event_time, e.n FROM records, jsonb_to_record(value::jsonb) AS e(event_time timestamptz, n int) WHERE n % 2 = 0
END
cmp_ok($standby->safe_psql('postgres', "SELECT count(*) FROM ($final) AS f"), '>=', 70, 'windows become final there');
is($standby->safe_psql('postgres', q(SELECT rows FROM kafka_stream.stats WHERE stream = 's'::regclass AND view IS NULL)), 1500, 'each event is counted once');
ok(wait_for($standby, q(SELECT count(DISTINCT n) = count(*) AND count(*) = 1500 FROM s WHERE kafka_partition IS NOT NULL)),
	'staging, which is not replicated, is read again');
$standby->safe_psql('postgres', "INSERT INTO by_hand (event_time, n) VALUES ('2026-03-01', 11)");
is($standby->safe_psql('postgres', 'SELECT count, sum FROM by_hand_total'), '11|66', 'and takes INSERTs');

done_testing();
