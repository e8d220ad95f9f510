# The life of streams: started at COMMIT and with the server, stopped, sought,
# altered, dropped, in several databases at once, out of worker slots, after
# DROP EXTENSION, and restored elsewhere.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $broker = KafkaStream::Broker->shared;
my $node = new_node('main');
my $brokers = $broker->brokers;

sub sql { my ($query, $database) = @_; return $node->safe_psql($database // 'postgres', $query); }

sub fails
{
	my ($query, $pattern, $name) = @_;
	my ($rc, $stdout, $stderr) = $node->psql('postgres', $query);

	isnt($rc, 0, "$name: refused") and like($stderr, $pattern, $name);
	return;
}

sub state_is
{
	my ($stream, $expected, $name) = @_;
	return ok(wait_for($node, "SELECT state FROM kafka_stream.streams WHERE stream = '$stream'::regclass", $expected), $name);
}

sub events
{
	my ($from, $to) = @_;
	return map { qq({"event_time": "2026-03-01T12:00:00Z", "n": $_}) } $from .. $to;
}

sub create
{
	my ($name, $topic, $more, $database) = @_;
	return sql(<<"END", $database);
SELECT kafka_stream.create_stream('$name', 'event_time timestamptz, n int', topic => '$topic',
    brokers => '$brokers', batch_interval => '20 milliseconds'${\($more // '')})
END
}

sub total { my ($stream, $database) = @_; return sql("SELECT kafka_stream.flush('$stream'); SELECT count(*) || ' ' || coalesce(sum(n), 0) FROM $stream", $database) =~ s/^\n//r; }

# ---- nothing before COMMIT, nothing after ROLLBACK ----

my $topic = $broker->create_topic('life', 2);
$broker->produce($topic, 0, events(1, 3));
$broker->produce($topic, 1, events(4, 5));
sql("BEGIN; SELECT kafka_stream.create_stream('gone', 'event_time timestamptz, n int', topic => '$topic', brokers => '$brokers'); ROLLBACK");
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker'"), '0', 'no worker after ROLLBACK');
create('s', $topic);
is(total('s'), '5 15', 'reads what is there');
is(sql("SELECT application_name FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker'"), 'public.s', 'the worker has a name');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'kafka_stream launcher'"), '1', 'there is a launcher');

# ---- stop, start ----

sql("SELECT kafka_stream.stop_stream('s')");
ok(wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker'"), 'stopped: no worker');
state_is('s', 'stopped', 'and so it says');
$broker->produce($topic, 0, events(6, 6));
sleep(0.5);
is(sql('SELECT count(*) FROM s'), '5', 'nothing is read meanwhile');
sql("SELECT kafka_stream.start_stream('s')");
is(total('s'), '6 21', 'goes on where it stood');

# ---- with the server ----

$node->restart;
$broker->produce($topic, 1, events(7, 7));
state_is('s', 'running', 'starts with the server');
is(total('s'), '7 28', 'and goes on');
$node->append_conf('postgresql.conf', 'kafka_stream.enabled = off');
$node->reload;
state_is('s', 'waiting', 'kafka_stream.enabled = off: nothing runs');
is(sql("SELECT reason FROM kafka_stream.streams"), 'kafka_stream.enabled is off', 'and so it says');
fails("SELECT kafka_stream.flush('s')", qr/kafka_stream.enabled is off/, 'flush says so, too');
$node->append_conf('postgresql.conf', 'kafka_stream.enabled = on');
$node->reload;
state_is('s', 'running', 'on again: runs again');

# ---- altering, of the stream and of its table ----

sql(q(SELECT kafka_stream.alter_stream('s', '{"batch_rows": 1, "watermark_delay": "1 minute"}')));
$broker->produce($topic, 0, events(8, 9));
is(total('s'), '9 45', 'altered while it runs');
sql(q(ALTER TABLE s ADD COLUMN more text DEFAULT 'none'));
$broker->produce($topic, 0, '{"event_time": "2026-03-01T12:00:00Z", "n": 10, "more": "some"}', events(11, 11));
total('s');
is(sql('SELECT string_agg(more, $$ $$ ORDER BY n) FROM s WHERE n > 9'), 'some none', 'a new column is filled from the next batch on');
sql(q(ALTER TABLE s RENAME COLUMN more TO rest));
$broker->produce($topic, 0, '{"event_time": "2026-03-01T12:00:00Z", "n": 12, "rest": "yes"}');
total('s');
is(sql('SELECT rest FROM s WHERE n = 12'), 'yes', 'a renamed column has its new name');
sql(q(ALTER TABLE s RENAME COLUMN event_time TO at));
$broker->produce($topic, 0, '{"at": "2026-03-01T12:00:00Z", "n": 13}');
total('s');
is(sql('SELECT at = $$2026-03-01T12:00:00Z$$ FROM s WHERE n = 13'), 't', 'so has the event time');
sql(q(ALTER TABLE s RENAME COLUMN at TO event_time));

# ---- several streams of one topic, start positions ----

create('from_latest', $topic, ", start => 'latest'");
create('from_offsets', $topic, q(, start => '{"0": 2, "1": 1}'));
state_is('from_latest', 'running', 'started at the end');
state_is('from_offsets', 'running', 'started at offsets');
is(sql("SELECT kafka_stream.flush('from_offsets'); SELECT min(kafka_offset) FROM from_offsets WHERE kafka_partition = 0") =~ s/^\n//r, '2', 'from that offset on');
$broker->produce($topic, 0, events(14, 14));
is(total('from_latest'), '1 14', 'from the end on');
create('bad_offsets', $topic, q(, start => '{"0": 2}'));
state_is('bad_offsets', 'failed', 'a partition without a start offset');
like(sql("SELECT reason FROM kafka_stream.streams WHERE stream = 'bad_offsets'::regclass"), qr/names no offset for partition 1/, 'is named');
my $timed = $broker->create_topic('timed', 1);
$broker->produce_records($timed, map { [ 0, 1772366400000 + 1000 * $_, undef, (events($_, $_))[0] ] } 0 .. 9);
create('from_time', $timed, q(, start => '2026-03-01 12:00:05+00'));
is(total('from_time'), '5 35', 'from a time on');

# ---- seeking ----

sql("SELECT kafka_stream.create_view('v', 'SELECT count(*), sum(n) FROM from_time')");
is(sql('SELECT count, sum FROM v'), '5|35', 'a view over it');
fails("SELECT kafka_stream.seek_stream('from_time', 'earliest')", qr/views over stream public.from_time hold results/, 'seeking with results');
sql("SELECT kafka_stream.seek_stream('from_time', 'earliest', reset_views => true)");
is(total('from_time'), '10 45', 'reads anew, each row once');
is(sql('SELECT count, sum FROM v'), '10|45', 'and so does the view');
is(sql("SELECT rows, dead_letters FROM kafka_stream.stats WHERE stream = 'from_time'::regclass AND view IS NULL"), '10|0', 'counts began anew');

# ---- another partition, another topic ----

$broker->grow_topic($timed, 2);
$broker->produce($timed, 1, events(100, 101));
is(total('from_time'), '12 246', 'a partition that was added is read from its beginning');

# ---- several databases ----

sql('CREATE DATABASE other');
sql('CREATE EXTENSION kafka_stream', 'other');
create('s', $topic, '', 'other');
# (the row that named its time "at" does not fit here)
is(total('s', 'other'), '13 92', 'a stream of the same name in another database');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker' AND application_name = 'public.s'"), '2', 'has a worker of its own');
$node->restart;
ok(wait_for($node, "SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker' AND application_name = 'public.s'"),
	'both start with the server');
sql('CREATE DATABASE copy TEMPLATE other');
is(sql('SELECT state FROM kafka_stream.streams', 'copy'), 'stopped', 'a copy of a database has its streams, stopped');
sql('ALTER DATABASE other RENAME TO renamed');
sql('ALTER DATABASE renamed RENAME TO other');
ok(wait_for($node, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker' AND datname = 'other'"),
	'after copying and renaming a database its workers come back');
create('s2', $topic, '', 'copy');
is(total('s2', 'copy'), '13 92', 'and the copy can have streams of its own');
sql('DROP DATABASE copy');
is(sql(q(SELECT count(*) FROM pg_stat_activity WHERE datname = 'copy')), '0', 'DROP DATABASE ends its workers');
sql('DROP EXTENSION kafka_stream CASCADE', 'other');
ok(wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker' AND datname = 'other'"),
	'DROP EXTENSION stops its workers');
sql('DROP DATABASE other');

# ---- dump and restore: stopped until started by hand ----

sql("SELECT kafka_stream.create_stream('inserted', 'event_time timestamptz, n int', source => 'insert')");
sql("INSERT INTO inserted SELECT '2026-03-01 12:00Z', i FROM generate_series(1, 10) i");
sql("SELECT kafka_stream.create_view('w', 'SELECT count(*), sum(n) FROM inserted GROUP BY tumble(event_time, ''1 minute'')')");
sql("SELECT kafka_stream.flush('inserted')");
sql("SELECT kafka_stream.flush('s')");
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '--no-unlogged-table-data', '-f', $dump ], 'dumped');
sql('CREATE DATABASE restored');
command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'restored');
is(sql("SELECT DISTINCT state FROM kafka_stream.streams", 'restored'), 'stopped', 'everything is stopped there');
like(sql("SELECT reason FROM kafka_stream.streams WHERE stream = 's'::regclass", 'restored'), qr/start_stream\('s'\)/, 'and says what to do');
is(sql('SELECT count(*), sum(n) FROM inserted', 'restored'), '10|55', 'rows that were inserted are there');
is(sql('SELECT count, sum FROM v', 'restored'), '12|246', 'so are states of views');
$broker->produce($topic, 0, events(1000, 1000));
sql("SELECT kafka_stream.start_stream('s')", 'restored');
sql("SELECT kafka_stream.flush('s')", 'restored');
is(sql("SELECT rows, dead_letters FROM kafka_stream.stats WHERE stream = 's'::regclass AND view IS NULL", 'restored'), '15|0',
	'started by hand, it goes on where the dump stood');
is(sql('SELECT max(n) FROM s', 'restored'), '1000', 'with what came since');
sql("INSERT INTO inserted VALUES ('2026-03-01 12:00:30Z', 100)", 'restored');
is(sql('SELECT count, sum FROM w', 'restored'), '11|155', 'views count on');
sql('DROP EXTENSION kafka_stream CASCADE', 'restored');

# ---- no worker slot ----

$node->append_conf('postgresql.conf', 'max_worker_processes = 5');
$node->restart;
ok(wait_for($node, "SELECT count(*) > 0 FROM kafka_stream.streams WHERE state = 'waiting' AND reason LIKE '%max_worker_processes%'"),
	'no free worker slot: says what to raise');
sql("SELECT kafka_stream.drop_stream('$_', true)") for qw(from_latest from_offsets bad_offsets);
ok(wait_for($node, "SELECT bool_and(state = 'running') FROM kafka_stream.streams"), 'and heals by itself');

# ---- dropping ----

sql("DROP TABLE $_ CASCADE") for qw(s from_time inserted);
is(sql('SELECT count(*) FROM kafka_stream.streams'), '0', 'DROP TABLE drops the stream');
ok(wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'kafka_stream worker'"), 'and its worker ends');
is(sql('SELECT (SELECT count(*) FROM kafka_stream_internal.partition) + (SELECT count(*) FROM kafka_stream_internal.counter)'), '0', 'nothing is left of it');

done_testing();
