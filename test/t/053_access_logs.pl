# Streams of access logs: formats apache and nginx, from a broker to views and
# dead letters; and a column that no field fills, added while the stream runs.
use strict;
use warnings;

use KafkaStream;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $node = new_node('access');
my $brokers = $broker->brokers;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sub flush { my ($name) = @_; return sql("SELECT kafka_stream.flush('$name')"); }

# ---- apache ----

my $topic = $broker->create_topic('apache', 1);
$broker->produce($topic, 0,
	'shop.example.com:443 2001:db8::17 - jane doe [01/Mar/2026:12:00:01 +0100] "GET /a\"b\xc3\xa4 HTTP/1.1" 200 5000000000 "-" "curl/8.5.0"',
	'shop.example.com:443 10.0.0.7 - - [01/Mar/2026:11:00:02 +0000] "\x16\x03\x01" 400 226 "-" "-"' . "\n",
	'10.0.0.8 - - [01/Mar/2026:11:00:03 +0000] "HEAD / HTTP/1.0" 304 -' . "\r\n",
	undef,
	'host.example.com - - [01/Mar/2026:11:00:04 +0000] "GET / HTTP/1.0" 200 1',
	'10.0.0.9 - - [31/Feb/2026:11:00:05 +0000] "GET / HTTP/1.0" 200 1',
	'10.0.0.9 - - [01/Mar/2026:11:00:05 +0000] "GET / HTTP/1.0" 200 1 "-" "cut sho',
	'10.0.0.9 - - [01/Mar/2026:11:00:05 +0000] "-" 408 - "-" "-"' . "\n" . '10.0.0.9 - - [01/Mar/2026:11:00:06 +0000] "-" 408 - "-" "-"',
	'{"client": "10.0.0.9"}',
	"10.0.0.9 - - [01/Mar/2026:11:00:05 +0000] \"-\" 408 - \"-\" \"\xff\"",
	'10.0.0.9 - - [01/Mar/2099:11:00:05 +0000] "-" 408 - "-" "-"');
sql(<<"END");
SELECT kafka_stream.create_stream('apache',
    'size bigint, client inet, "user" text, event_time timestamptz, request_method text, url text, status int, user_agent text, vhost text DEFAULT ''none'', port int,
     source text DEFAULT ''web'', failed bool GENERATED ALWAYS AS (status >= 400) STORED',
    topic => '$topic', brokers => '$brokers', format => 'apache', options => '{"paths": {"request_method": "\$.method"}}');
SELECT kafka_stream.create_view('vhosts', 'SELECT vhost, count(*), sum(size), count(*) FILTER (WHERE failed) AS failed FROM apache GROUP BY vhost');
END
flush('apache');
is(sql(q(SELECT kafka_offset, client, "user", event_time AT TIME ZONE 'UTC', request_method, url, status, size, user_agent, vhost, port, source, failed FROM apache ORDER BY kafka_offset)),
	"0|2001:db8::17|jane doe|2026-03-01 11:00:01|GET|/a\"b\x{c3}\x{a4}|200|5000000000|curl/8.5.0|shop.example.com|443|web|f\n"
	  . "1|10.0.0.7||2026-03-01 11:00:02|||400|226||shop.example.com|443|web|t\n"
	  . '2|10.0.0.8||2026-03-01 11:00:03|HEAD|/|304|||none||web|f',
	'fields of lines in columns of all kinds');
is(sql('SELECT vhost, count, sum, failed FROM vhosts ORDER BY vhost'), "none|1||0\nshop.example.com|2|5000000226|1", 'and in a view');
is(sql('SELECT kafka_offset, sqlstate, column_name, error FROM kafka_stream.dead_letters ORDER BY kafka_offset'), <<'END' =~ s/\n\z//r, 'what is no line, or does not fit, is a dead letter that says why');
4|22P02|client|invalid input syntax for type inet: "host.example.com"
5|22P02||invalid apache access log line at byte 14: expected a date that exists
6|22P02||invalid apache access log line at byte 77: expected a closing quote
7|22P02||invalid apache access log line at byte 59: expected one line
8|22P02||invalid apache access log line at byte 22: expected a time like [10/Oct/2000:13:55:36 -0700] and a request in quotes
9|22021||invalid byte sequence for encoding "UTF8" at byte 57
10|22008|event_time|event time 2099-03-01 11:00:05+00 is more than max_future ahead
END
is(sql('SELECT convert_from(value, $$UTF8$$) FROM kafka_stream.dead_letters WHERE kafka_offset = 5'),
	'10.0.0.9 - - [31/Feb/2026:11:00:05 +0000] "GET / HTTP/1.0" 200 1', 'with its bytes');
is(sql('SELECT rows, dead_letters, tombstones FROM kafka_stream.stats WHERE view IS NULL'), '3|7|1', 'each message counts once');

# ---- a column that no field fills ----

sql('ALTER TABLE apache ADD COLUMN country text');
$broker->produce($topic, 0, '10.0.0.10 - - [01/Mar/2026:11:00:06 +0000] "GET /later HTTP/1.1" 200 1');
ok(wait_for($node, <<'END'), 'it stops the stream for the time being, and the state says why');
SELECT state = 'retrying' AND reason LIKE 'format "apache" has no field for column "country" (Name a field in options%' FROM kafka_stream.streams
END
sql("ALTER TABLE apache ALTER COLUMN country SET DEFAULT 'unknown'");
flush('apache');
is(sql('SELECT url, country FROM apache WHERE kafka_offset = 11'), '/later|unknown', 'with a default it goes on, and nothing is lost');
is(sql('SELECT state, coalesce(reason, $$-$$) FROM kafka_stream.streams'), 'running|-', 'and the state says so');
my ($result, $stdout, $stderr) = $node->psql('postgres', q(SELECT kafka_stream.alter_stream('apache', '{"options": {"paths": {"request_method": "$.verb"}}}')));
like($stderr, qr/names field "verb", which format "apache" does not have\nHINT:  Fields are client, identity, /, 'options are checked when they change');
sql(q(SELECT kafka_stream.alter_stream('apache', '{"options": {"paths": {"request_method": "$.protocol", "country": "$.referer"}}}')));
$broker->produce($topic, 0, '10.0.0.10 - - [01/Mar/2026:11:00:07 +0000] "GET /latest HTTP/1.1" 200 1 "r" "u"');
flush('apache');
is(sql('SELECT request_method, country FROM apache WHERE kafka_offset = 12'), 'HTTP/1.1|r', 'and hold from then on');

# ---- nginx ----

my $nginx = $broker->create_topic('nginx', 1);
$broker->produce($nginx, 0,
	'10.0.0.7 - jane [01/Mar/2026:11:00:01 +0000] "GET /?q=\x22\xC3\xA4\x22 HTTP/2.0" 499 0 "https://example.com/" "Mozilla/5.0" "192.0.2.1" 0.004',
	'10.0.0.7 - - [01/Mar/2026:11:00:02 +0000] "" 400 0 "-" "-"',
	'v:80 10.0.0.7 - - [01/Mar/2026:11:00:02 +0000] "" 400 0 "-" "-"');
sql(<<"END");
SELECT kafka_stream.create_stream('nginx', 'at timestamptz, ip text, url text, protocol text, referer text', topic => '$nginx', brokers => '$brokers', format => 'nginx',
    event_time => 'at', options => '{"paths": {"at": "\$.event_time", "ip": "\$.client"}}');
END
flush('nginx');
is(sql(q(SELECT at AT TIME ZONE 'UTC', ip, url, protocol, referer FROM nginx ORDER BY at)),
	"2026-03-01 11:00:01|10.0.0.7|/?q=\"\x{c3}\x{a4}\"|HTTP/2.0|https://example.com/\n2026-03-01 11:00:02|10.0.0.7|||", 'lines of nginx');
is(sql(q(SELECT error FROM kafka_stream.dead_letters WHERE stream = 'nginx'::regclass)), 'invalid nginx access log line at byte 5: expected "-" after the client', 'and what is none');

# ---- the example ----

my $example = $broker->create_topic('access-log', 1);
my @lines = map
{
	sprintf('%s 203.0.113.%d - - [01/Mar/2026:11:%02d:%02d +0000] "%s" %d %s "-" "Mozilla/5.0"',
		$_ % 3 ? 'shop.example.com:443' : 'www.example.com:80', $_ % 7, $_ / 60, $_ % 60,
		$_ % 50 ? 'GET /page' . $_ % 5 . "?n=$_ HTTP/1.1" : '\x16\x03\x01', $_ % 50 ? ($_ % 10 ? 200 : 404) : 400, $_ % 11 ? 1000 + $_ : '-')
} 0 .. 599;
$broker->produce($example, 0, @lines);
for my $file ('streams', 'views')
{
	$node->command_ok([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-v', "brokers=$brokers", '-v', "topic=$example", '-f', "examples/access_log/$file.sql" ], "example: $file.sql");
}
flush('access_log');
is(sql('SELECT rows, dead_letters FROM kafka_stream.stats WHERE stream = $$access_log$$::regclass AND view IS NULL'), '600|0', 'its rows');
same_rows($node, 'SELECT window_start, vhost, status, requests FROM status_codes', 'SELECT kafka_stream.tumble(event_time, $$1 minute$$), vhost, status, count(*) FROM access_log GROUP BY 1, 2, 3', 'status codes');
same_rows($node, 'SELECT window_start, vhost, requests, clients, bytes FROM vhost_traffic', 'SELECT kafka_stream.tumble(event_time, $$1 minute$$), vhost, count(*), count(DISTINCT client), sum(size) FROM access_log GROUP BY 1, 2', 'bytes per vhost');
is(sql('SELECT path, sum(requests) FROM url_hits GROUP BY path ORDER BY path'), join("\n", map { my $page = $_; "/page$page|" . grep { $_ % 50 && $_ % 5 == $page } 0 .. 599 } 0 .. 4), 'pages');
is(sql('SELECT sum(requests), sum(errors), sum(garbage) FROM client_errors'), '600|60|12', 'errors per client');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', 'examples/access_log/queries.sql' ], 'example: queries.sql');

done_testing();
