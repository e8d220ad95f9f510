# Promise 6: one stream's trouble is its own.  A stream that fails for ever, a
# server without worker slots, settings of roles and databases, streams of the
# same name, somebody else's hand on the offsets, the switch kafka_stream.enabled.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $brokers = $broker->brokers;
# the launcher of logical replication takes one worker slot, ours another one
my $node = new_node('isolation', conf => "max_worker_processes = 5\n");
my %topics;

sub sql { my ($sql, $database) = @_; return $node->safe_psql($database // 'postgres', $sql); }

sub create
{
	my ($name, $more, $database) = @_;
	$topics{$name} //= $broker->create_topic($name, 1);
	sql(<<"END", $database);
SELECT kafka_stream.create_stream('$name', 'event_time timestamptz, n int', topic => '$topics{$name}', brokers => '$brokers',
    batch_interval => '20 milliseconds' ${\ ($more // '')});
SELECT kafka_stream.create_view('${name}_total', 'SELECT count(*), sum(n) FROM $name');
END
	return;
}

sub produce
{
	my ($name, $from, $to) = @_;
	$broker->produce($topics{$name}, 0, map { qq({"event_time": "2026-03-01T00:00:00Z", "n": $_}) } $from .. $to);
	return;
}

# A stream's running view over its topic, in which each n is there once.
sub exact
{
	my ($name, $to, $what, $database) = @_;
	sql("SELECT kafka_stream.flush('$name')", $database);
	is(sql("SELECT count, sum FROM ${name}_total", $database), $to . '|' . $to * ($to + 1) / 2, $what);
	return;
}

sub state_is
{
	my ($name, $state, $what) = @_;
	return ok(wait_for($node, "SELECT state FROM kafka_stream.streams WHERE stream = '$name'::regclass", $state), $what);
}

sub reason { my ($name) = @_; return sql("SELECT coalesce(reason, '') FROM kafka_stream.streams WHERE stream = '$name'::regclass"); }

# ---- one stream fails for ever ----

sql("SELECT kafka_stream.create_stream('nowhere', 'event_time timestamptz', brokers => '127.0.0.1:1')");
create('good');
create('bad');
produce('good', 1, 100);
exact('good', 100, 'a stream beside');
# an error that is not the row's, in every batch
sql('CREATE FUNCTION deny(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE insufficient_privilege USING MESSAGE = \'denied\'; END $$');
sql('ALTER TABLE bad ADD COLUMN denied int GENERATED ALWAYS AS (deny(n)) STORED');
produce('bad', 1, 10);
state_is('bad', 'retrying', 'a stream whose batches fail is retried');
like(reason('bad'), qr/^denied/, 'and says why');
produce('good', 101, 200);
exact('good', 200, 'the other one goes on');
is(sql("SELECT state FROM kafka_stream.streams WHERE stream = 'good'::regclass"), 'running', 'and runs');
is(sql("SELECT next_offset FROM kafka_stream.partitions WHERE stream = 'bad'::regclass"), '0', 'the failing one moves no offset');
is(sql('SELECT count FROM bad_total'), 0, 'and no result');
ok(wait_for($node, "SELECT errors >= 2 FROM kafka_stream.stats WHERE stream = 'bad'::regclass AND view IS NULL"), 'errors are counted');
sql('ALTER TABLE bad DROP COLUMN denied');
sql("SELECT kafka_stream.start_stream('bad')");
exact('bad', 10, 'and exact when the cause is gone');

# a cancelled INSERT, a cancelled worker
sql('CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF n < 0 THEN PERFORM pg_sleep(60); END IF; RETURN n; END $$');
sql("SELECT kafka_stream.create_view('bad_slow', 'SELECT sum(slow(n)) FROM bad')");
is(sql(<<'END'), 1, 'after a cancelled INSERT the session goes on');
SET statement_timeout = '500ms';
\set ON_ERROR_STOP off
INSERT INTO bad (event_time, n) VALUES ('2026-03-01', -1);
INSERT INTO bad (event_time, n) VALUES ('2026-03-01', 0) RETURNING 1;
END
is(sql('SELECT count, sum FROM bad_total'), '11|55', 'without the row of the cancelled one');
for my $i (1 .. 3)
{
	$broker->produce($topics{bad}, 0, qq({"event_time": "2026-03-01T00:00:00Z", "n": -$i})) if $i == 1;
	ok(wait_for($node, "SELECT count(*) FROM kafka_stream.streams JOIN pg_stat_activity USING (pid) WHERE stream = 'bad'::regclass AND wait_event = 'PgSleep'", 1),
		'a worker that hangs in a view');
	sql("SELECT pg_cancel_backend(pid) FROM kafka_stream.streams WHERE stream = 'bad'::regclass");
	state_is('bad', 'retrying', 'is retried when cancelled');
}
sql("SELECT kafka_stream.drop_view('bad_slow')");
sql("SELECT kafka_stream.start_stream('bad')");
sql("SELECT kafka_stream.flush('bad')");
is(sql('SELECT count, sum FROM bad_total'), '12|54', 'and exact in the end');

# a broker that is not there, since the beginning
state_is('nowhere', 'retrying', 'a stream without a broker is retried');
isnt(reason('nowhere'), '', 'and says why');

# ---- no worker slot is free ----

create('waiting');
produce('waiting', 1, 10);
state_is('waiting', 'waiting', 'without a free slot a stream waits');
ok(wait_for($node, "SELECT reason LIKE '%max_worker_processes%' FROM kafka_stream.streams WHERE stream = 'waiting'::regclass"),
	'and names max_worker_processes') or diag(reason('waiting'));
produce('good', 201, 210);
exact('good', 210, 'others go on meanwhile');
sql("SELECT kafka_stream.drop_stream('nowhere')");
state_is('waiting', 'running', 'it starts by itself as soon as there is a slot');
exact('waiting', 10, 'and is exact');
sql("SELECT kafka_stream.drop_stream('$_', cascade => true)") for 'waiting', 'bad';

# ---- another database, the same name ----

sql('CREATE DATABASE other');
sql('CREATE EXTENSION kafka_stream', 'other');
my $topic_here = $topics{good};
$topics{good} = $broker->create_topic('other', 1);
create('good', '', 'other');
produce('good', 1, 50);
exact('good', 50, 'a stream of the same name in another database', 'other');
$topics{good} = $topic_here;
is(sql('SELECT count FROM good_total'), 210, 'has nothing to do with this one');
is(sql('SELECT count(*) FROM kafka_stream.streams'), 1, 'and does not show here');

# DROP DATABASE waits for every process to read a message of the server
produce('good', 211, 3000);
sql('CREATE DATABASE third');
sql('DROP DATABASE third');
pass('DROP DATABASE of another one, while busy');
sql('DROP DATABASE other');
ok(wait_for($node, 'SELECT count(*) FROM pg_stat_activity WHERE backend_type = \'kafka_stream worker\'', 1), 'a database whose streams run can be dropped; its workers end');
exact('good', 3000, 'the one here is exact');

# ---- settings of roles and databases reach background workers ----

my @settings = ('session_replication_role = replica', 'search_path = hidden', 'statement_timeout = 1', 'lock_timeout = 1',
	'idle_in_transaction_session_timeout = 1', 'default_transaction_isolation = serializable', "timezone = 'Asia/Tokyo'",
	"datestyle = 'German'", "intervalstyle = 'sql_standard'", "bytea_output = 'escape'", 'extra_float_digits = -15',
	'row_security = off', 'work_mem = 64', 'enable_hashagg = off', 'enable_sort = off', 'transform_null_equals = on',
	'array_nulls = off', 'default_transaction_deferrable = on', 'default_transaction_read_only = on');
sql(join('', map { "ALTER DATABASE postgres SET $_;\n" } @settings), 'template1');
sql('ALTER ROLE ALL SET search_path = hidden', 'template1');
# workers that start now get them
$node->restart;
# what we do here shall not
$ENV{PGOPTIONS} = join(' ', map { "-c $_" } 'default_transaction_read_only=off', 'statement_timeout=0', 'lock_timeout=0',
	'idle_in_transaction_session_timeout=0', 'search_path=public', 'session_replication_role=origin',
	'default_transaction_isolation=read\\ committed', 'default_transaction_deferrable=off');
sql(<<"END");
SELECT kafka_stream.create_view('good_day', \$\$SELECT event_time::text AS text, n::float8 / 3 AS third, count(*) FROM good GROUP BY tumble(event_time, '1 day'), 1, 2\$\$, backfill => 'none')
END
produce('good', 3001, 3300);
exact('good', 3300, 'settings of the database change nothing');
is(sql("SELECT sum(count) FROM good_day"), 300, 'every view has the rows');
is(sql("SELECT sum(count) FROM good_day WHERE is_final"), '', 'none of which is final yet');
state_is('good', 'running', 'and the stream runs');
sql('ALTER DATABASE postgres RESET ALL; ALTER ROLE ALL RESET ALL', 'template1');
sql("SELECT kafka_stream.drop_view('good_day')");
delete $ENV{PGOPTIONS};

# ---- somebody else moves the offsets ----

my $log = -s $node->logfile;
sql("UPDATE kafka_stream_internal.partition SET next_offset = 1000000 WHERE stream = 'good'::regclass");
produce('good', 3301, 3310);
state_is('good', 'failed', 'a worker whose offsets were moved stops');
like(reason('good'), qr/but was read up to 1000000/, 'since they make no sense');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile, $log), qr/is no longer at offset 3300/, 'and does not move them itself');
sql("UPDATE kafka_stream_internal.partition SET next_offset = 3300 WHERE stream = 'good'::regclass");
sql("SELECT kafka_stream.start_stream('good')");
exact('good', 3310, 'set right, it goes on from what is committed');

# ---- the switch ----

sql('ALTER SYSTEM SET kafka_stream.enabled = off');
$node->reload;
ok(wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker'", 0), 'kafka_stream.enabled = off: nothing runs');
state_is('good', 'waiting', 'streams wait');
like(reason('good'), qr/kafka_stream\.enabled/, 'and say for what');
$node->restart;
select(undef, undef, undef, 1);
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker'"), 0, 'nor after a restart');
produce('good', 3311, 3320);
sql('ALTER SYSTEM RESET kafka_stream.enabled');
$node->reload;
state_is('good', 'running', 'on again: they run');
exact('good', 3320, 'and are exact');

done_testing();
