# Columns: ALTER TABLE under a running stream, what a message brings beside its
# value, several topics in one stream, where to start, how JSON is read.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $node = new_node('columns');
my $brokers = $broker->brokers;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sub flush { my ($name) = @_; return sql("SELECT kafka_stream.flush('$name')"); }

# ---- ALTER TABLE, while records come all the time ----

my $topic = $broker->create_topic('altered', 1);
sql(<<"END");
SELECT kafka_stream.create_stream('altered',
    'event_time timestamptz, n int, label text, unused text, kind text DEFAULT ''old''', topic => '$topic',
    brokers => '$brokers', batch_interval => '20 milliseconds');
SELECT kafka_stream.create_view('altered_total', 'SELECT label, count(*), sum(n) FROM altered GROUP BY label');
SELECT kafka_stream.create_view('altered_rows', 'SELECT event_time, n, label FROM altered');
END

my $n = 0;

sub produce
{
	my ($label) = @_;
	$broker->produce($topic, 0, map { $n++; qq({"event_time": "2026-03-01T00:00:00Z", "n": $n, "label": "$label", "name": "$label", "unused": "u", "extra": $n}) } 1 .. 100);
	return;
}

produce('a');
flush('altered');
sql("ALTER TABLE altered ADD COLUMN extra int DEFAULT -1, ADD COLUMN missing text DEFAULT 'none'");
produce('b');
flush('altered');
is(sql("SELECT count(*) FROM altered WHERE label = 'b' AND extra = n AND missing = 'none'"), 100,
	'added columns are filled from messages, or by their defaults');
is(sql("SELECT count(*) FROM altered WHERE label = 'a' AND extra = -1"), 100, 'rows from before have the default');

sql("ALTER TABLE altered ADD COLUMN twice int GENERATED ALWAYS AS (n * 2) STORED, DROP COLUMN unused");
produce('c');
flush('altered');
is(sql("SELECT count(*) FROM altered WHERE label = 'c' AND twice = n * 2 AND extra = n"), 100,
	'a generated column is filled, and a dropped one is gone');

sql("ALTER TABLE altered ALTER COLUMN kind SET DEFAULT 'new'");
produce('d');
flush('altered');
is(sql("SELECT string_agg(DISTINCT kind, ',' ORDER BY kind) FROM altered WHERE label = 'd'"), 'new', 'a changed default holds');

sql('ALTER TABLE altered RENAME COLUMN label TO name');
produce('e');
flush('altered');
is(sql("SELECT count(*) FROM altered WHERE name = 'e'"), 100, 'a renamed column follows the messages of its new name');

# in the middle of a stream of records
sql('ALTER TABLE altered ADD COLUMN during int');
for my $i (1 .. 10)
{
	produce('f');
	sql($i % 2 ? 'ALTER TABLE altered DROP COLUMN during' : 'ALTER TABLE altered ADD COLUMN during int DEFAULT 1');
}
flush('altered');
is(sql("SELECT count(*) FROM altered WHERE name = 'f'"), 1000, 'no row is lost while columns come and go');

$broker->load_topic($topic, $node, 'altered_records');
same_rows($node, 'SELECT label, count, sum FROM altered_total', <<'END', 'the running view is exact through all of it');
SELECT value::jsonb ->> 'label', count(*), sum((value::jsonb ->> 'n')::int) FROM altered_records GROUP BY 1
END
same_rows($node, 'SELECT n, label FROM altered_rows', <<'END', 'and the cleansed stream');
SELECT (value::jsonb ->> 'n')::int, value::jsonb ->> 'label' FROM altered_records
END
is(sql("SELECT rows || ' ' || dead_letters FROM kafka_stream.stats WHERE stream = 'altered'::regclass AND view IS NULL"),
	"$n 0", 'every record is a row, none a dead letter');

my ($result, $stdout, $stderr) = $node->psql('postgres', 'ALTER TABLE altered DROP COLUMN name');
like($stderr, qr/depend/, 'a column that a view needs stays');
($result, $stdout, $stderr) = $node->psql('postgres', 'ALTER TABLE altered DROP COLUMN event_time');
isnt($result, 0, 'the event time stays');
($result, $stdout, $stderr) = $node->psql('postgres', 'ALTER TABLE altered DROP COLUMN kafka_offset');
isnt($result, 0, 'the kafka_ columns stay');

# ---- what a message brings beside its value ----

my $included = $broker->create_topic('included', 2);
sql(<<"END");
SELECT kafka_stream.produce('$included', '{"event_time": "2026-03-01T00:00:00Z"}', 'the key', '{"trace": "t1", "two": ["a", "b"]}',
    brokers => '$brokers', kafka_partition => 1, kafka_timestamp => '2026-03-01 00:00:07Z');
SELECT kafka_stream.produce('$included', '{"event_time": "2026-03-01T00:00:01Z"}',
    brokers => '$brokers', kafka_partition => 0, kafka_timestamp => '2026-03-01 00:00:08Z');
SELECT kafka_stream.create_stream('included', 'event_time timestamptz', topic => '$included', brokers => '$brokers',
    options => '{"include": ["topic", "key", "headers"]}');
END
flush('included');
is(sql('SELECT kafka_topic, kafka_key, kafka_headers, kafka_partition, kafka_offset, kafka_timestamp AT TIME ZONE \'UTC\' FROM included ORDER BY event_time'),
	"$included|\\x746865206b6579|{\"two\": [\"a\", \"b\"], \"trace\": \"t1\"}|1|0|2026-03-01 00:00:07\n$included|||0|0|2026-03-01 00:00:08",
	'topic, key, headers, partition, offset and timestamp of messages');
is(sql('SELECT bool_and(kafka_received_at BETWEEN now() - interval \'10 minutes\' AND now()) FROM included'), 't', 'and their arrival');

sql(<<"END");
SELECT kafka_stream.create_stream('by_kafka', 'x int', topic => '$included', brokers => '$brokers', event_time => 'kafka_timestamp',
    idle_timeout => NULL, watermark_delay => '0');
SELECT kafka_stream.create_view('by_kafka_second', 'SELECT count(*) FROM by_kafka GROUP BY tumble(kafka_timestamp, ''1 second'')');
END
flush('by_kafka');
is(sql("SELECT window_start AT TIME ZONE 'UTC', is_final FROM by_kafka_second ORDER BY 1"),
	"2026-03-01 00:00:07|f\n2026-03-01 00:00:08|f", 'kafka_timestamp as event time');

# ---- what INSERT refuses is refused from Kafka, too ----

my $domain = $broker->create_topic('domain', 1);
$broker->produce($domain, 0, map { qq({"event_time": "2026-03-01T00:00:00Z"$_}) } '', ', "n": null', ', "n": 0', ', "n": 5', ', "n": 6, "m": -1');
sql(<<"END");
CREATE DOMAIN positive AS int NOT NULL CHECK (VALUE > 0);
SELECT kafka_stream.create_stream('domain', 'event_time timestamptz, n positive, m int DEFAULT 1 CHECK (m > 0)', topic => '$domain', brokers => '$brokers');
END
flush('domain');
is(sql('SELECT n, m FROM domain'), '5|1', 'a domain holds for columns that a message lacks');
is(sql("SELECT string_agg(kafka_offset || ':' || sqlstate, ' ' ORDER BY kafka_offset) FROM kafka_stream.dead_letters WHERE stream = 'domain'::regclass"),
	'0:23502 1:23502 2:23514 4:23514', 'what breaks it, or a check, is a dead letter');

# ---- several topics ----

my $prefix = $broker->create_topic('several', 1);
my @several = map { "$prefix.$_" } 'a', 'b';
$broker->create_exact_topic($_, 2) for @several;
$broker->produce($several[0], 0, '{"event_time": "2026-03-01T00:00:01Z", "n": 1}');
$broker->produce($several[0], 1, '{"event_time": "2026-03-01T00:00:02Z", "n": 2}');
$broker->produce($several[1], 1, '{"event_time": "2026-03-01T00:00:03Z", "n": 3}');
my %lists = (list => join(',', @several), spaced => join(', ', @several), regex => "^$prefix\\.[a-z]\$");
for my $name (sort keys %lists)
{
	sql("SELECT kafka_stream.create_stream('$name', 'event_time timestamptz, n int', topic => '$lists{$name}', brokers => '$brokers')");
	flush($name);
	is(sql("SELECT kafka_topic, kafka_partition, kafka_offset, n FROM $name ORDER BY n"),
		"$several[0]|0|0|1\n$several[0]|1|0|2\n$several[1]|1|0|3", "several topics by $name");
}
push @several, "$prefix.c";
$broker->create_exact_topic($several[2], 1);
$broker->produce($several[2], 0, '{"event_time": "2026-03-01T00:00:04Z", "n": 4}');
flush('regex');
is(sql("SELECT n FROM regex WHERE kafka_topic = '$several[2]'"), 4, 'a topic that is made later and fits the regex is read');
is(sql('SELECT count(*) FROM list'), 3, 'and by no list that does not name it');

# ---- where to start ----

my $start = $broker->create_topic('start', 2);
$broker->produce_records($start, map { [ $_ % 2, 1772323200000 + $_ * 1000, undef, qq({"event_time": "2026-03-01T00:00:00Z", "n": $_}) ] } 0 .. 19);
my %starts = (
	earliest => [ 'earliest', join(',', 0 .. 19) ],
	latest => [ 'latest', '' ],
	timestamp => [ '2026-03-01 00:00:11Z', join(',', 11 .. 19) ],
	offsets => [ '{"0": 9, "1": 5}', join(',', 11, 13, 15, 17, 18, 19) ],
	past_end => [ '2027-01-01', '' ]);
for my $name (sort keys %starts)
{
	sql("SELECT kafka_stream.create_stream('start_$name', 'event_time timestamptz, n int', topic => '$start', brokers => '$brokers', start => '$starts{$name}[0]')");
	flush("start_$name");
	is(sql("SELECT string_agg(n::text, ',' ORDER BY n) FROM start_$name"), $starts{$name}[1], "start => '$starts{$name}[0]'");
}

# An offset that the topic does not have is no place to wait at.
sql("SELECT kafka_stream.create_stream('start_beyond', 'event_time timestamptz, n int', topic => '$start', brokers => '$brokers', start => '{\"0\": 1000}')");
ok(wait_for($node, "SELECT state = 'failed' AND reason LIKE '%offset 1000 of partition 0%' FROM kafka_stream.streams WHERE stream = 'start_beyond'::regclass"),
	'a start beyond the end of the topic is refused');
$broker->produce($start, 0, '{"event_time": "2026-03-01T00:00:00Z", "n": 20}');
flush("start_$_") for sort keys %starts;
is(sql("SELECT count(*) FROM start_$_ WHERE n = 20"), 1, "start_$_: what comes later is read") for sort keys %starts;

# ---- how JSON is read ----

my $json = $broker->create_topic('json', 1);
$broker->produce($json, 0,
	'{"meta": {"ts": 1772323200}, "User Id": 7, "tags": ["x", "y"], "amount": "12.50", "other": {"a": 1}, "more": null}',
	'{"meta": {"ts": 1772323201.5}, "User Id": null, "tags": null, "amount": 3}');
sql(<<"END");
SELECT kafka_stream.create_stream('json', 'event_time timestamptz, user_id int DEFAULT 0, tags text[], amount numeric, remains jsonb',
    topic => '$json', brokers => '$brokers',
    options => '{"paths": {"event_time": "\$.meta.ts", "user_id": "\$[''User Id'']"}, "timestamp_format": "s", "rest": "remains"}');
END
flush('json');
is(sql(q(SELECT event_time AT TIME ZONE 'UTC', user_id, tags, amount, remains ? 'other' FROM json ORDER BY event_time)),
	"2026-03-01 00:00:00|7|{x,y}|12.50|t\n2026-03-01 00:00:01.5|0||3|f", 'paths, seconds, defaults and rest');
is(sql("SELECT count(*) FROM kafka_stream.dead_letters WHERE stream = 'json'::regclass"), 0, 'no dead letter');

my $local = $broker->create_topic('local', 1);
$broker->produce($local, 0, '{"event_time": "01.03.2026 13:00:00"}', '{"event_time": "2026-03-01T00:00:00Z"}');
sql(<<"END");
SELECT kafka_stream.create_stream('local', 'event_time timestamptz', topic => '$local', brokers => '$brokers',
    options => '{"timestamp_format": "DD.MM.YYYY HH24:MI:SS", "timezone": "Europe/Berlin"}');
END
flush('local');
is(sql("SELECT event_time AT TIME ZONE 'UTC' FROM local"), '2026-03-01 12:00:00', 'a pattern and a time zone');
is(sql("SELECT count(*) FROM kafka_stream.dead_letters WHERE stream = 'local'::regclass AND column_name = 'event_time' AND convert_from(value, 'UTF8') LIKE '%00:00:00Z%'"), 1,
	'what does not fit the pattern is a dead letter that names the column');

done_testing();
