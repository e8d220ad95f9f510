# Aggregates of other extensions, whose states are internal and serialized by
# code that knows nothing of us: hll and tdigest, where they are installed.
use strict;
use warnings;

use KafkaStream;
use Test::More;

my $node = new_node('main');

my $available = $node->safe_psql('postgres',
	q{SELECT count(*) FROM pg_available_extensions WHERE name IN ('hll', 'tdigest')});
plan skip_all => 'install postgresql-NN-hll and postgresql-NN-tdigest for this test'
  if $available < 2;

$node->safe_psql('postgres', <<'END');
CREATE SCHEMA sketches;
CREATE EXTENSION hll SCHEMA sketches;
CREATE EXTENSION tdigest SCHEMA sketches;
SET search_path = public, sketches;
SELECT kafka_stream.create_stream('visits', 'event_time timestamptz, site text, visitor int, ms float8',
	source => 'insert', watermark_delay => '1 hour', idle_timeout => NULL);
SELECT kafka_stream.create_view('visitors', $$
	SELECT tumble(event_time, '1 minute'), site, count(*), hll_add_agg(hll_hash_integer(visitor)) AS sketch,
		hll_cardinality(hll_add_agg(hll_hash_integer(visitor))) AS cardinality
	FROM visits GROUP BY 1, 2 $$);
SELECT kafka_stream.create_view('latencies', $$
	SELECT hop(event_time, '5 minutes', '1 minute'), count(*), tdigest_percentile(ms, 100, 0.95) AS p95,
		tdigest_percentile(ms, 100, ARRAY[0.5, 0.99]) AS percentiles, tdigest_percentile_of(ms, 100, 250) AS below
	FROM visits GROUP BY 1 $$);
END

# Twenty batches over five minutes.
for my $batch (0 .. 19)
{
	$node->safe_psql('postgres', <<"END");
INSERT INTO visits SELECT timestamptz '2024-01-01 00:00 UTC' + ($batch * 15 + i % 15) * interval '1 second',
	's' || i % 3, (i * 7919 + $batch * 31) % 5000, (i * 7919 % 1000) / 2.0 FROM generate_series(1, 500) i;
END
}

# A HyperLogLog is a function of the set of values: the same to the last bit.
my $plain_visitors = <<'END';
SELECT date_trunc('minute', event_time), site, count(*), sketches.hll_add_agg(sketches.hll_hash_integer(visitor))::text,
	sketches.hll_cardinality(sketches.hll_add_agg(sketches.hll_hash_integer(visitor)))
FROM visits GROUP BY 1, 2
END
my $visitors = 'SELECT window_start, site, count, sketch::text, cardinality FROM visitors';

# A t-digest depends on the order of values, so it is compared to the values themselves.
my $wrong_latencies = <<'END';
SELECT count(*), count(*) FILTER (WHERE l.count IS DISTINCT FROM o.count OR abs(l.p95 - o.p95) > 10
	OR abs(l.percentiles[1] - o.p50) > 10 OR abs(l.percentiles[2] - o.p99) > 10 OR abs(l.below - o.below) > 0.02)
FROM latencies l FULL JOIN
	(SELECT hop, count(*), percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS p95,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99,
		avg((ms <= 250)::int) AS below
	 FROM visits, kafka_stream.hop(event_time, '5 minutes', '1 minute') GROUP BY hop) o ON l.window_start = o.hop
END

same_rows($node, $visitors, $plain_visitors, 'hll in open windows');
is($node->safe_psql('postgres', $wrong_latencies), '9|0', 'tdigest in open windows');

# Through serialized states once more: a restart, then closing.
$node->restart;
same_rows($node, $visitors, $plain_visitors, 'hll after a restart');
$node->safe_psql('postgres', q{SELECT kafka_stream.advance('visits', '2024-01-01 00:03 UTC')});
same_rows($node, $visitors, $plain_visitors, 'hll in final and open windows');
is($node->safe_psql('postgres', $wrong_latencies), '9|0', 'tdigest in final and open windows');
$node->safe_psql('postgres', q{SELECT kafka_stream.advance('visits', '2024-01-01 01:00 UTC')});
same_rows($node, "$visitors WHERE is_final", $plain_visitors, 'hll in final windows');
is($node->safe_psql('postgres', $wrong_latencies), '9|0', 'tdigest in final windows');

done_testing();
