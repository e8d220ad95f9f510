# What SQL sees of a broker and sends to it: topics, peek, infer_columns, produce;
# and that no librdkafka thread in a backend ever handles a signal.
use strict;
use warnings;

use IPC::Run qw(start finish);
use KafkaStream;
use Test::More;
use Time::HiRes qw(sleep time);

my $broker = KafkaStream::Broker->new;
my $node = new_node('main');
my $brokers = "brokers => '" . $broker->brokers . "'";

sub sql { my ($query) = @_; return $node->safe_psql('postgres', $query); }

sub fails
{
	my ($query, $pattern, $name) = @_;
	my ($rc, $stdout, $stderr) = $node->psql('postgres', $query);

	isnt($rc, 0, "$name: refused") and like($stderr, $pattern, $name);
	return;
}

# A statement in the background; its backend's pid and its handle.
sub background
{
	my ($query, $name) = @_;
	my $output = '';
	my $handle = start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres') . " application_name=$name",
			'-c', $query ],
		'<', \'', '>', \$output, '2>&1');
	my $sql = "SELECT pid FROM pg_stat_activity WHERE application_name = '$name'
		AND state = 'active' AND now() - query_start > '1 second'";

	wait_for($node, "SELECT EXISTS ($sql)");
	return (sql($sql), $handle, \$output);
}

# Signals 1 to 31 without SIGKILL and SIGSTOP, blocked on every thread but the first.
sub check_threads
{
	my ($pid, $name) = @_;
	my @open;
	my $n = 0;

	for my $task (glob("/proc/$pid/task/*"))
	{
		next if $task eq "/proc/$pid/task/$pid";
		my ($mask) = (PostgreSQL::Test::Utils::slurp_file("$task/status") =~ /^SigBlk:\s*(\S+)/m);
		push @open, "$task $mask" if (hex(substr($mask, -8)) & 0x7ffbfeff) != 0x7ffbfeff;
		$n++;
	}
	ok($n > 1, "$name: librdkafka has threads ($n)");
	is_deeply(\@open, [], "$name: all of them block all signals");
	return;
}

# produce, and peek: what was sent comes back.
my $topic = $broker->create_topic('sent', 3);
sql(qq{
	SELECT kafka_stream.produce('$topic', v, k, h, $brokers, kafka_partition => p, kafka_timestamp => t)
	FROM (VALUES
		('plain', NULL, NULL::jsonb, 0, '2020-01-01 00:00:00.123+00'::timestamptz),
		('grüße', 'schlüssel', '{"a": "1", "b": null, "c": ["x", null, "ü"], "": ""}', 1, '2020-01-02'),
		(NULL, 'gone', '{}', 2, '2020-01-03'),
		('', '', NULL, 2, '2020-01-04')) AS m(v, k, h, p, t)});
same_rows(
	$node,
	"SELECT kafka_partition, kafka_offset, kafka_timestamp, convert_from(key, 'UTF8'),
		convert_from(value, 'UTF8'), headers FROM kafka_stream.peek('$topic', $brokers)",
	q{VALUES (0, 0::bigint, '2020-01-01 00:00:00.123+00'::timestamptz, NULL::text, 'plain', NULL::jsonb),
		(1, 0, '2020-01-02', 'schlüssel', 'grüße', '{"a": "1", "b": null, "c": ["x", null, "ü"], "": ""}'),
		(2, 0, '2020-01-03', 'gone', NULL, NULL), (2, 1, '2020-01-04', '', '', NULL)},
	'keys, values, headers, partitions and timestamps come back as they were sent');
same_rows($node,
	"SELECT * FROM kafka_stream.topics($brokers) WHERE topic = '$topic'",
	"VALUES ('$topic'::text, 0, 0::bigint, 1::bigint), ('$topic', 1, 0, 1), ('$topic', 2, 0, 2)",
	'topics shows the offsets of each partition');
is(sql("SELECT count(*) FROM kafka_stream.topics($brokers) WHERE topic LIKE '\\_\\_%'"), 0,
	"topics leaves Kafka's own out");

# peek: where it starts and how much it gives.
for my $case (
	[ 'the first two', "2, $brokers", '0/0 1/0' ],
	[ 'the last two', "2, $brokers, start => 'latest'", '2/0 2/1' ],
	[ 'from a time', "$brokers, start => '2020-01-02 00:00:00.001'", '2/0 2/1' ],
	[ 'from a time after all', "$brokers, start => '2030-01-01'", '' ],
	[ 'from offsets', qq($brokers, start => '{"2": 1, "0": 0}'), '0/0 2/1' ],
	[ 'from the end', qq($brokers, start => '{"2": 2}'), '' ])
{
	my ($name, $arguments, $expected) = @$case;
	is( sql("SELECT string_agg(kafka_partition || '/' || kafka_offset, ' ')
			FROM kafka_stream.peek('$topic', $arguments)"),
		$expected, "peek: $name");
}
fails(qq{SELECT * FROM kafka_stream.peek('$topic', $brokers, start => '{"2": 3}')},
	qr/partition 2 has no offset 3.*offsets from 0 to 2/s, 'peek beyond the end');
fails(qq{SELECT * FROM kafka_stream.peek('$topic', $brokers, start => '{"7": 0}')},
	qr/there is no partition 7/, 'peek into a partition that is not there');
fails("SELECT * FROM kafka_stream.peek('no-such-topic', $brokers)",
	qr/topic "no-such-topic" does not exist/, 'peek into a topic that is not there');

# What was aborted, deleted or not yet committed is not shown; gaps are no obstacle.
$topic = $broker->create_topic('gaps', 1);
my @lines = map { KafkaStream::Broker::record_line(0, undef, undef, $_) } 'a' .. 'f';
$broker->produce_transactions($topic, 'gaps', 'begin', @lines[ 0, 1 ], 'commit',
	'begin', ($lines[2]) x 50, 'abort', 'begin', $lines[3], 'commit', 'begin', $lines[4], 'abort');
is(sql("SELECT string_agg(convert_from(value, 'UTF8'), '') FROM kafka_stream.peek('$topic', $brokers)"),
	'abd', 'peek shows committed messages alone');
is( sql("SELECT string_agg(convert_from(value, 'UTF8'), '')
		FROM kafka_stream.peek('$topic', 3, $brokers, start => 'latest')"),
	'abd', 'the last ones are found behind a gap longer than their number');
$broker->truncate_topic($topic, 0, 1);
is( sql("SELECT string_agg(kafka_offset::text, ' ') FROM kafka_stream.peek('$topic', 1, $brokers)"),
	'1', 'peek starts where retention has left something');
is(sql("SELECT count(*) FROM kafka_stream.peek('" . $broker->create_topic('empty', 2) . "', $brokers)"),
	0, 'an empty topic has no messages');

$topic = $broker->create_topic('large', 1);
sql("SELECT kafka_stream.produce('$topic', repeat('x', 10000000), $brokers)");
is(sql("SELECT length(value) FROM kafka_stream.peek('$topic', $brokers)"),
	10000000, 'a message of 10 MB there and back');

# infer_columns
$topic = $broker->create_topic('json', 2);
$broker->produce($topic, 0,
	'{"service": "a", "n": 1, "ratio": 1, "Big One": 12345678901234567890, "ok": true}',
	'not json', '[1]', '{"n": ', undef,
	'{"ts": "2026-01-31T12:00:00.5+01:00", "n": -2, "ratio": 0.5, "ok": null, "mixed": 1, "select": "x"}',
	'{"mixed": "one", "tags": ["a"], "nested": {"a": 1}, "kafka_offset": 1, "nothing": null, "ts": null}',
	'{"time": 1, "seen_at": "2026-01-31 12:00:00", "date": "2026-01-31"}');
is( sql("SELECT kafka_stream.infer_columns('$topic', $brokers)"),
	'ts timestamptz, service text, n bigint, ratio double precision, "Big One" numeric, '
	. 'ok boolean, mixed text, "select" text, tags jsonb, nested jsonb, nothing text, "time" bigint, '
	. 'seen_at timestamptz, date text',
	'infer_columns: a type for each key, the event time first, keywords quoted');
$topic = $broker->create_topic('epochs', 1);
$broker->produce($topic, 0, '{"a": 1, "Timestamp": 1769860800000}');
is(sql("SELECT kafka_stream.infer_columns('$topic', $brokers)"),
	'"Timestamp" timestamptz, a bigint', 'milliseconds since 1970 under a time\'s name are one');
$topic = $broker->create_topic('nojson', 1);
fails("SELECT kafka_stream.infer_columns('$topic', $brokers)", qr/has no messages/, 'no messages');
$broker->produce($topic, 0, 'x', '1', '"a"');
fails("SELECT kafka_stream.infer_columns('$topic', $brokers)",
	qr/none of the last 3 messages .* is a JSON object/, 'no JSON');

# When produce delivers.  Another connection looks.
$topic = $broker->create_topic('when', 1);
my $count = "SELECT high_offset FROM kafka_stream.topics($brokers) WHERE topic = '$topic'";
sql("BEGIN; SELECT kafka_stream.produce('$topic', 'x', $brokers); ROLLBACK");
is(sql($count), 1, 'ROLLBACK does not undo it');
sql("SELECT count(kafka_stream.produce('$topic', i::text, $brokers)) FROM generate_series(1, 100000) i");
is(sql($count), 100001, 'a hundred thousand at once');
sql(qq{
	CREATE FUNCTION send(n int) RETURNS int LANGUAGE plpgsql AS \$\$
	DECLARE nothing text;
	BEGIN
		PERFORM kafka_stream.produce('$topic', 'perform', $brokers);
		nothing := kafka_stream.produce('$topic', 'assigned', $brokers);
		BEGIN
			PERFORM kafka_stream.produce('$topic', 'caught', $brokers);
			PERFORM 1 / (n - n);
		EXCEPTION WHEN division_by_zero THEN
		END;
		RETURN n;
	END \$\$});
sql('SELECT send(1)');
is(sql($count), 100004, 'from a function, caught errors or not');
# each of these has ended before the next one begins
is( sql(qq{
		BEGIN;
		SELECT send(1);
		$count;
		DO \$\$ DECLARE nothing text; BEGIN nothing := kafka_stream.produce('$topic', 'do', $brokers); END \$\$;
		$count;
		COMMIT}),
	"1\n100007\n100008", 'delivered when the statement ends, not when the transaction does');
sql("CREATE TABLE t (a int); CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
	\$\$ BEGIN PERFORM kafka_stream.produce('$topic', NEW.a::text, $brokers); RETURN NULL; END \$\$;
	CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION tell()");
sql('INSERT INTO t VALUES (1), (2)');
is(sql($count), 100010, 'from a deferred trigger');
fails("SELECT kafka_stream.produce('$topic', 'x', $brokers), 1 / (random() * 0)::int",
	qr/division by zero/, 'an error in the statement');
fails("SELECT kafka_stream.produce('no-such-topic', 'x', $brokers)",
	qr/not delivered to topic "no-such-topic".*1 of 1 messages/s, 'a topic that is not there');
fails("SELECT kafka_stream.produce('$topic', 'x', $brokers, kafka_partition => 5)",
	qr/no partition 5/, 'a partition that is not there');
fails("SELECT kafka_stream.produce('$topic', repeat('x', 40000000), $brokers)",
	qr/not delivered to topic "$topic".*too large/is, 'a message that is too large');
is( sql("BEGIN; SAVEPOINT s; SELECT kafka_stream.produce('$topic', 'x', $brokers); ROLLBACK TO s;
		SELECT kafka_stream.produce('$topic', 'x', $brokers); COMMIT"), "\n", 'savepoints');

# Servers and what they carry.
sql("CREATE SERVER local FOREIGN DATA WRAPPER kafka_stream
		OPTIONS (\"bootstrap.servers\" '" . $broker->brokers . "', \"compression.type\" 'lz4',
			\"queued.min.messages\" '10');
	CREATE ROLE guest; GRANT USAGE ON FOREIGN SERVER local TO guest;
	GRANT EXECUTE ON FUNCTION kafka_stream.peek(text, int, text, name, text) TO guest");
is(sql("SET ROLE guest; SELECT count(*) FROM kafka_stream.peek('$topic', 5, server => 'local')"),
	5, 'USAGE on a server and EXECUTE are enough');
sql("SELECT kafka_stream.produce('$topic', 'x', server => 'local')");

# Nothing answers: interrupts are served, threads block signals, and exits are quick.
$topic = $broker->create_topic('paused', 1);
$broker->pause;
my ($pid, $handle, $output) = background("SELECT * FROM kafka_stream.topics($brokers)", 'looking');
check_threads($pid, 'consumer');
my $start = time();
sql("SELECT pg_terminate_backend($pid)");
finish($handle);
ok(time() - $start < 6, 'a backend that waits for the broker ends when told to');
like($$output, qr/terminating connection/, 'because it was told to');

($pid, $handle, $output) = background("SELECT kafka_stream.produce('$topic', 'x', $brokers)", 'sending');
check_threads($pid, 'producer');
$start = time();
sql("SELECT pg_cancel_backend($pid)");
finish($handle);
ok(time() - $start < 6, 'produce can be cancelled');
like($$output, qr/canceling statement/, 'because it was');

($pid, $handle) = background("SELECT * FROM kafka_stream.peek('$topic', $brokers)", 'stopping');
$start = time();
$node->stop('fast');
ok(time() - $start < 10, 'a fast stop waits for no broker');
finish($handle);
$node->start;
$broker->resume;
is(sql("SELECT count(*) FROM kafka_stream.peek('$topic', $brokers)"), 0,
	'what was cancelled on the way was not sent');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP/,
	'nothing crashed');

done_testing();
