# Alerts: told once when something begins and once when it ends, through crashes
# of anybody; one that hangs or fails is its own trouble; dumped, restored,
# promoted and dropped as everything else.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('alerts');

sub sql { my ($query, $database) = @_; return $node->safe_psql($database // 'postgres', $query); }
sub alerts_pid { return sql(q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'kafka_stream alerts' AND datname = 'postgres')); }

my $setup = <<'END';
SELECT kafka_stream.create_stream('s', 'event_time timestamptz, k text, x float8', source => 'insert',
    max_future => NULL, idle_timeout => NULL, watermark_delay => '0');
SELECT kafka_stream.create_view('v', 'SELECT tumble(event_time, ''1 minute'') AS window_start, k, avg(x) AS x FROM s GROUP BY 1, 2');
SELECT kafka_stream.create_alert('high', 'SELECT k, x FROM v WHERE window_end = $2 AND x > 10', view => 'v', key => '{k}', notify => 'alerts');
SELECT kafka_stream.create_alert('held', 'SELECT k, x FROM v WHERE window_end = $2 AND x > 10', view => 'v', key => '{k}', hold_for => '3 minutes');
END
sql($setup);

# Minutes $from to $to of five keys, each high for some minutes and low for some;
# one minute in eleven has no row at all.
sub minutes
{
	my ($from, $to) = @_;
	sql(<<"END");
INSERT INTO s SELECT '2026-01-01 00:00Z'::timestamptz + m * interval '1 minute' + k * interval '1 second', 'k' || k,
    CASE WHEN (m + k * 5) / (k + 2) % 3 = 0 THEN 11 + m % 5 ELSE 1 END
FROM generate_series($from, $to) AS m, generate_series(1, 5) AS k WHERE m % 11 <> 3 ORDER BY 1;
SELECT kafka_stream.advance('s', '2026-01-01 00:00Z'::timestamptz + ($to + 1) * interval '1 minute');
END
	return;
}

sub caught_up { return wait_for($node, q(SELECT count(*) = 2 FROM kafka_stream.alert_rules r JOIN kafka_stream.views v USING (view) WHERE evaluated_to = watermark AND alert IN ('high', 'held')), 't', 120); }

# Unbroken stretches of windows in which a key is high, worked out from final windows.
sub oracle
{
	my ($alert, $hold_for) = @_;
	return <<"END";
SELECT '$alert' AS alert, jsonb_build_object('k', k) AS key,
       CASE WHEN last = watermark THEN 'firing' ELSE 'resolved' END AS state,
       first AS since, CASE WHEN last < watermark THEN last + interval '1 minute' END AS until, value, NULL::text AS error
FROM (SELECT k, watermark, min(window_end) AS first, max(window_end) AS last,
             (array_agg(jsonb_build_object('x', x) ORDER BY window_end DESC))[1] AS value
      FROM (SELECT k, x, window_end, watermark,
                   window_end - row_number() OVER (PARTITION BY k ORDER BY window_end) * interval '1 minute' AS island
            FROM v, kafka_stream.views WHERE view = 'v'::regclass AND is_final AND x > 10) AS w
      GROUP BY k, watermark, island) AS stretch
WHERE last - first >= interval '$hold_for'
END
}

sub history_is_exact
{
	my ($name) = @_;
	ok(caught_up(), "$name: all windows are evaluated");
	same_rows($node, q(SELECT * FROM kafka_stream.alerts WHERE alert IN ('high', 'held')),
		oracle('high', '0') . ' UNION ALL ' . oracle('held', '3 minutes'), "$name: every stretch once, none missing");
	return;
}

# ---- both edges, once each, to whoever listens ----

my $output = sql(<<'END');
LISTEN alerts;
INSERT INTO s VALUES ('2025-12-31 00:00:30Z', 'k1', 20), ('2025-12-31 00:01:30Z', 'k1', 30);
SELECT kafka_stream.advance('s', '2025-12-31 00:03Z');
DO $$ BEGIN FOR i IN 1 .. 600 LOOP PERFORM pg_sleep(0.1); EXIT WHEN EXISTS (SELECT FROM kafka_stream.alerts WHERE state = 'resolved'); END LOOP; END $$;
SELECT 1;
END
my @told = $output =~ /with payload "(.*?)" received/g;
is_deeply(\@told, [
	'{"alert": "high", "state": "firing", "key": {"k": "k1"}, "since": "2025-12-31T00:01:00+00:00", "until": null, "value": {"x": 20}}',
	'{"alert": "high", "state": "resolved", "key": {"k": "k1"}, "since": "2025-12-31T00:01:00+00:00", "until": "2025-12-31T00:03:00+00:00", "value": {"x": 30}}' ],
	'a listener is told of both edges, once');
sql(<<'END');
CREATE TABLE long (k text, x text);
INSERT INTO long VALUES ('short', repeat('x', 9000)), (repeat('k', 9000), 'x');
END
$output = sql(<<'END');
LISTEN long;
SELECT kafka_stream.create_alert('long', 'SELECT * FROM long ORDER BY length(k)', every => '1 hour', key => '{k}', notify => 'long');
DO $$ BEGIN FOR i IN 1 .. 600 LOOP PERFORM pg_sleep(0.1); EXIT WHEN EXISTS (SELECT FROM kafka_stream.alerts WHERE alert = 'long'); END LOOP; END $$;
SELECT 1;
END
@told = map { s/"since": "[^"]*"/"since": "then"/r } $output =~ /with payload "(.*?)" received/g;
is_deeply(\@told, [
	'{"alert": "long", "state": "firing", "key": {"k": "short"}, "since": "then", "until": null, "value_omitted": true}',
	'{"alert": "long", "state": "firing", "key_omitted": true, "since": "then", "until": null, "value_omitted": true}' ],
	'what does not fit into a notification is left out, and it says so');
is(sql(q(SELECT count(*) FROM kafka_stream.alerts WHERE alert = 'long' AND length(value->>'x') + length(key->>'k') > 9000)), 2, 'the rows have all of it');
sql(q(SELECT kafka_stream.drop_alert('long')));

# ---- crashes ----

srand(70);
my $minute = 0;
for my $round (1 .. 10)
{
	my $next = $minute + 100 + int(rand(300));
	minutes($minute, $next - 1);
	$minute = $next;
	sleep(rand(0.15));
	if ($round % 5 == 0)
	{
		$node->stop('immediate');
		$node->start;
	}
	elsif ((my $pid = alerts_pid()) ne '')
	{
		kill('KILL', $pid);
		wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid") or die;
	}
	history_is_exact("round $round") if $round % 3 == 0;
}
history_is_exact('after kill -9 and immediate stops');
cmp_ok(sql(q(SELECT count(*) FROM kafka_stream.alerts WHERE alert = 'high')), '>', 200, 'there was much to tell');
cmp_ok(sql(q(SELECT count(*) FROM kafka_stream.alerts WHERE alert = 'held')), '>', 50, 'and some of it was held back');
is(sql(q(SELECT count(*) FROM (SELECT alert, key FROM kafka_stream_internal.alert_row WHERE state <> 'resolved' GROUP BY 1, 2 HAVING count(*) > 1) AS d)), 0, 'no key is open twice');

# ---- with the server, and kafka_stream.enabled ----

$node->restart;
minutes($minute, $minute + 9);
$minute += 10;
history_is_exact('after a restart');
$node->append_conf('postgresql.conf', 'kafka_stream.enabled = off');
$node->reload;
ok(wait_for($node, q(SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'kafka_stream alerts')), 'kafka_stream.enabled = off: nothing is evaluated');
minutes($minute, $minute + 9);
$minute += 10;
$node->append_conf('postgresql.conf', "kafka_stream.enabled = on\nkafka_stream.alert_timeout = '1s'");
$node->reload;
history_is_exact('on again');
is(sql('SELECT count(*) FROM kafka_stream.streams'), 1, 'the process is no stream');

# ---- one that hangs, one that fails, one that cannot be cancelled ----

sql(<<'END');
CREATE FUNCTION hang() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(1000); RETURN 1; END$$;
CREATE FUNCTION stubborn() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END;
    END LOOP;
END$$;
SELECT kafka_stream.create_alert('hangs', 'SELECT hang()', every => '1 second');
SELECT kafka_stream.create_alert('fails', 'SELECT 1 / (x - x)::int AS y FROM v WHERE window_end = $2', view => 'v');
END
ok(wait_for($node, q(SELECT error FROM kafka_stream.alerts WHERE alert = 'hangs'), 'the query took longer than kafka_stream.alert_timeout (1000 ms)'), 'an alert that hangs is ended and says so');
my $pid = alerts_pid();
for (1 .. 5)
{
	minutes($minute, $minute + 9);
	$minute += 10;
	sleep(0.3);
}
history_is_exact('beside one that hangs and one that fails');
is(sql(q(SELECT error FROM kafka_stream.alerts WHERE alert = 'fails')), 'division by zero', 'which shows its error');
is(sql(q(SELECT state, key IS NULL, value IS NULL FROM kafka_stream.alerts WHERE alert = 'fails')), 'failed|t|t', 'as a row of its own');
is(alerts_pid(), $pid, 'the process lives on');
my $log = slurp_file($node->logfile);
is(() = $log =~ /WARNING:  alert "fails" failed: division by zero/g, 1, 'an error is logged once');
sql(q(SELECT kafka_stream.drop_alert('fails'), kafka_stream.drop_alert('hangs')));
sql(q(SELECT kafka_stream.create_alert('stubborn', 'SELECT stubborn()', every => '1 second')));
ok(wait_for($node, q(SELECT error FROM kafka_stream.alerts WHERE alert = 'stubborn'), 'the query did not let itself be cancelled after kafka_stream.alert_timeout'), 'one that catches cancellation costs its process, and says so');
minutes($minute, $minute + 9);
$minute += 10;
history_is_exact('beside one that cannot be cancelled');
sql(q(SELECT kafka_stream.drop_alert('stubborn')));

# ---- dropping what a busy alert uses ----

$node->append_conf('postgresql.conf', "kafka_stream.alert_timeout = '3s'");
$node->reload;
sub busy { my ($database) = @_; return wait_for($node, "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = '$database' AND query LIKE 'evaluating alert \"busy\"%' AND wait_event = 'PgSleep'"); }
sub make_busy
{
	my ($database) = @_;
	sql('CREATE TABLE busy (x int); INSERT INTO busy VALUES (1)', $database);
	sql(q(SELECT kafka_stream.create_alert('busy', 'SELECT x, pg_sleep(1000) IS NULL AS y FROM busy', every => '1 second')), $database);
	return ok(busy($database), 'an alert is busy');
}
sub takes_at_most
{
	my ($seconds, $name, $query, $database) = @_;
	my $began = time();
	sql($query, $database);
	return cmp_ok(time() - $began, '<', $seconds, $name);
}
make_busy('postgres');
takes_at_most(10, 'it can be dropped', q(SELECT kafka_stream.drop_alert('busy')));
sql('DROP TABLE busy');
make_busy('postgres');
takes_at_most(10, 'so can a table that it reads', 'DROP TABLE busy CASCADE');
is(sql(q(SELECT count(*) FROM kafka_stream.alert_rules WHERE alert = 'busy')), 0, 'and it goes with it');
$node->append_conf('postgresql.conf', "kafka_stream.alert_timeout = '60s'");
$node->reload;
sql('CREATE DATABASE other');
sql('CREATE EXTENSION kafka_stream', 'other');
make_busy('other');
takes_at_most(4, 'and its database', 'DROP DATABASE other');
sql('CREATE DATABASE other');
sql('CREATE EXTENSION kafka_stream', 'other');
make_busy('other');
takes_at_most(4, 'an administrator can end it', q(SELECT pg_cancel_backend(pid), pg_sleep(0.5) FROM pg_stat_activity WHERE backend_type = 'kafka_stream alerts' AND datname = 'other'));
ok(wait_for($node, q(SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'other' AND wait_event = 'PgSleep')), 'which is an error like others');
sql('DROP EXTENSION kafka_stream CASCADE', 'other');
ok(wait_for($node, q(SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'other')), 'without the extension there is no process');

# ---- dump and restore ----

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
my $rows = 'SELECT a::text FROM kafka_stream.alerts a ORDER BY 1';
my $before = sql($rows);
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
sql('CREATE DATABASE copy');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-f', $dump ], 'restore');
is(sql($rows, 'copy'), $before, 'alerts and their rows are in a dump');
sql(<<'END', 'copy');
SELECT kafka_stream.start_stream('s');
INSERT INTO s VALUES ('2026-01-05Z', 'k1', 99);
SELECT kafka_stream.advance('s', '2026-01-05 00:01Z');
SELECT pg_sleep(1);
END
is(sql($rows, 'copy'), $before, 'restored elsewhere they are not evaluated');
like(sql(q(SELECT enabled, error FROM kafka_stream.alert_rules WHERE alert = 'high'), 'copy'), qr/^f\|comes from another server or database; .*alter_alert/, 'and say so');
sql(q(SELECT kafka_stream.alter_alert('high', '{"enabled": true}')), 'copy');
sql(<<'END', 'copy');
DO $$ BEGIN FOR i IN 1 .. 1200 LOOP PERFORM pg_sleep(0.1); EXIT WHEN (SELECT evaluated_to = '2026-01-05 00:01Z' FROM kafka_stream.alert_rules WHERE alert = 'high'); END LOOP; END $$;
END
is(sql(q(SET timezone = 'UTC'; SELECT key, since FROM kafka_stream.alerts WHERE alert = 'high' AND state = 'firing'), 'copy'), '{"k": "k1"}|2026-01-05 00:01:00+00', 'enabled, one goes on from where it stood');
is(sql(q(SELECT count(*) FROM kafka_stream.alerts WHERE alert = 'high' AND state = 'resolved'), 'copy'),
	sql(q(SELECT count(*) FROM kafka_stream.alerts WHERE alert = 'high')), 'and resolves what is gone');
sql('DROP DATABASE copy');

# ---- a standby is promoted ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
minutes($minute, $minute + 9);
$minute += 10;
ok(caught_up(), 'the primary goes on');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $rows), sql($rows), 'what fires is readable on a standby');
is($standby->safe_psql('postgres', q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'kafka_stream alerts')), 0, 'where nothing is evaluated');
$node->stop('immediate');
$standby->promote;
$node = $standby;
minutes($minute, $minute + 29);
history_is_exact('after promotion');

done_testing();
