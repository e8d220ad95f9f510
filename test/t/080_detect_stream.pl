# detect_stream on labelled series (AnomalyCorpus.pm) with its default threshold is
# better than a floor and far better than detect_zscore, and does not look ahead.
# KS_SEED chooses other series of the same sorts.
use strict;
use warnings;

use AnomalyCorpus;
use KafkaStream;
use Test::More;

# What the default threshold must reach: a few points below the 71 of the seed that
# is used always, and below the 60 to 76 of eight others.
my $floor = $ENV{KS_SEED} ? 57 : 67;
my $seed = AnomalyCorpus::seed();
diag("KS_SEED=$seed");
my $corpus = AnomalyCorpus::generate($seed);
my $node = new_node('main');

# The series as a table.
my $folder = PostgreSQL::Test::Utils::tempdir();
AnomalyCorpus::write_csv($corpus, $folder);
$node->safe_psql('postgres', <<"END");
CREATE TABLE corpus (series text, number int, epoch bigint, value float8,
	ts timestamptz GENERATED ALWAYS AS (to_timestamp(epoch)) STORED);
\\copy corpus (series, number, epoch, value) FROM '$folder/series.csv' (FORMAT csv, HEADER)
END

# A detector's answer in a table of its own, and its scores for the examiner.
sub detect
{
	my ($function, $relation, $table) = @_;

	$node->safe_psql('postgres', <<"END");
CREATE TABLE $table AS
SELECT series->>'series' AS series, row_number() OVER (PARTITION BY series ORDER BY ts) - 1 AS number,
	ts, value, expected, lower, upper, score, is_anomaly
FROM kafka_stream.$function('$relation', 'value', 'ts', '{series}')
END
	open(my $lines, '<', \$node->safe_psql('postgres',
			"COPY (SELECT series, number, abs(score) FROM $table ORDER BY 1, 2) TO STDOUT (FORMAT csv)"))
	  or die;
	return AnomalyCorpus::read_scores($lines);
}

my $stream = detect('detect_stream', 'corpus', 'detected');
my $zscore = detect('detect_zscore', 'corpus', 'detected_zscore');
my %gaussian = map { $_->{name} => AnomalyCorpus::windowed_gaussian($_, 6400) } @$corpus;

diag("detect_stream\n" . AnomalyCorpus::report($corpus, $stream, 0.5));
diag("detect_zscore\n" . AnomalyCorpus::report($corpus, $zscore, 2));
diag("windowed Gaussian\n" . AnomalyCorpus::report($corpus, \%gaussian, 0.8));

my $reached = AnomalyCorpus::score($corpus, $stream, 0.5);
my ($zscore_best) = AnomalyCorpus::best($corpus, $zscore);
my ($gaussian_best) = AnomalyCorpus::best($corpus, \%gaussian);
cmp_ok($reached, '>=', $floor, 'detect_stream with its default threshold');
cmp_ok($reached, '>', AnomalyCorpus::score($corpus, $zscore, 2) + 40, 'far beyond detect_zscore with its own');
cmp_ok($reached, '>', $zscore_best + 10, 'beyond detect_zscore with the best threshold for this corpus');
cmp_ok($reached, '>', $gaussian_best, 'and beyond a windowed Gaussian with its best');
is($node->safe_psql('postgres',
		'SELECT count(*) FROM detected WHERE NOT score BETWEEN 0 AND 1 OR is_anomaly <> coalesce(score >= 0.5, false)'),
	0, 'scores are from 0 to 1, anomalies from 0.5 on');

# Each of some series, cut after a random row: what was said of the rows before is
# the same.
my $r = AnomalyCorpus::Random->new($seed, 'cuts');
my @cuts = map { [ $_, $r->integer(1, $#{ $_->{rows} }) ] }
  map { $corpus->[ $r->integer(0, $#$corpus) ] } 1 .. 12;
$node->safe_psql('postgres', 'CREATE TABLE cut (series text, whole text, ts timestamptz, value float8);'
	  . join('', map { "INSERT INTO cut SELECT '$_', series, ts, value FROM corpus"
			  . " WHERE series = '$cuts[$_][0]{name}' AND number < $cuts[$_][1];" } 0 .. $#cuts));
detect('detect_stream', 'cut', 'detected_cut');
same_rows($node,
	'SELECT series, number, ts, value, expected, lower, upper, score, is_anomaly FROM detected_cut',
	'SELECT cut.series, number, ts, value, expected, lower, upper, score, is_anomaly'
	  . ' FROM detected JOIN cut USING (ts, value) WHERE cut.whole = detected.series',
	'detect_stream does not look ahead: ' . join(', ', map { "$_->[0]{name} at $_->[1]" } @cuts));

done_testing();
