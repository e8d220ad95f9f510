# The examiner of detectors is right: the same seed gives the same series, windows
# are where they should be, and scores of made cases are what one computes by hand.
use strict;
use warnings;

use AnomalyCorpus;
use List::Util qw(sum);
use Test::More;

# A number to some digits.
sub about
{
	my ($got, $expected, $name) = @_;
	ok(abs($got - $expected) < 1e-6, $name) or diag("got $got, expected $expected");
	return;
}

# 1,000 rows, a minute apart, with labels at these rows.
sub series
{
	my ($name, @labels) = @_;
	return AnomalyCorpus::label({ name => $name, kind => 'made', rows => [ map { [ 60 * $_, 0 ] } 0 .. 999 ],
		labels => [ map { 60 * $_ } @labels ] });
}

# Scores of one series that fires at these rows.
sub firing
{
	my ($corpus, @rows) = @_;
	my @scores = (0) x 1000;
	@scores[@rows] = (1) x @rows;
	return { map { $_->{name} => \@scores } @$corpus };
}

sub sigmoid { return 2 / (1 + exp(5 * $_[0])) - 1 }

# Windows
is_deeply(series('a', 500)->{windows}, [ [ 450 * 60, 550 * 60 ] ], 'one window of 10 %');
is_deeply(series('a', 700, 300)->{windows}, [ [ 275 * 60, 325 * 60 ], [ 675 * 60, 725 * 60 ] ], 'two of 5 %');
is_deeply(series('a', 500, 540)->{windows}, [ [ 475 * 60, 565 * 60 ] ], 'those that overlap are one');
is_deeply(series('a', 980)->{windows}, [ [ 930 * 60, 999 * 60 ] ], 'a window ends with its series');
is_deeply(series('a')->{windows}, [], 'no label, no window');

# Scores, from 0 to 100 for two windows: 100 / 4 for each point
my $corpus = [ series('a', 300, 700) ];
my $score = sub { return AnomalyCorpus::score($corpus, firing($corpus, @_), 0.5) };
about($score->(), 0, 'no detection is 0');
about($score->(275, 675), 100, 'the first row of each window is 100');
about($score->(275), 50, 'one of two windows is 50');
about($score->(275 .. 325, 675 .. 725), 100, 'more detections in a window change nothing');
about($score->(325), 25, 'the last row of a window is better than a miss by one');
about($score->(300), 25 + 25 * sigmoid(-0.5) / sigmoid(-1), 'its middle is worth most of it');
about($score->(0 .. 149), 0, 'the first 15 % are not judged');
about($score->(150), -0.11 * 25, 'a false alarm before any window costs all of it');
about($score->(326), 0.11 * 25 * sigmoid(1 / 50), 'one just after a window costs little');
about($score->(350), 0.11 * 25 * sigmoid(0.5), 'half a window after it, most of it');
about($score->(500), -0.11 * 25, 'far from it, all of it');
ok($score->(0 .. 999) < -1000, 'firing always is far below nothing: ' . $score->(0 .. 999));

# Thresholds
my @scores = (0.1) x 1000;
@scores[ 275, 675, 500 ] = (0.4, 0.6, 0.5);
$scores[600] = undef;
my ($best, $at) = AnomalyCorpus::best($corpus, { a => \@scores });
about($best, 100 - 0.11 * 25, 'the best threshold takes a false alarm for a window');
about($at, 0.4, 'and is known');
about(AnomalyCorpus::score($corpus, { a => \@scores }, 0.4), $best, 'as the score at it');
about(AnomalyCorpus::score($corpus, { a => \@scores }, 0.55), 50, 'a higher one has one window');
@scores[ 275 .. 277, 675, 500 ] = (0.3, 0.7, 0.5, 0.7, 0.2);
($best, $at) = AnomalyCorpus::best($corpus, { a => \@scores });
about($at, 0.3, 'an earlier detection replaces a later one');
about($best, 100, 'as if it were alone');

# Two series: sums over both, kinds apart
push @$corpus, series('b');
$corpus->[1]{kind} = 'calm';
is_deeply([ map { sprintf '%.2f', $_ } AnomalyCorpus::score($corpus, firing($corpus, 275, 675), 0.5),
		@{ AnomalyCorpus::by_kind($corpus, firing($corpus, 275, 675), 0.5) }{qw(made calm)} ],
	[ '94.50', '100.00', '-22.00' ], 'a series without windows has false alarms alone');

# The series themselves
my $seed = AnomalyCorpus::seed();
diag("KS_SEED=$seed");
$corpus = AnomalyCorpus::generate($seed);
is_deeply(AnomalyCorpus::generate($seed), $corpus, 'a seed gives the same series again');
isnt(AnomalyCorpus::generate($seed + 1)->[0]{rows}[9][1], $corpus->[0]{rows}[9][1], 'another seed, others');
my $random = AnomalyCorpus::Random->new(1, 'a');
is(join(' ', map { $random->integer(0, 999) } 1 .. 5), '935 727 789 511 179', 'a seed means the same numbers on every machine');

my @faults;
for my $series (@$corpus)
{
	my @t = map { $_->[0] } @{ $series->{rows} };
	push @faults, "$series->{name}: times" if grep { $t[$_] <= $t[ $_ - 1 ] } 1 .. $#t;
	push @faults, "$series->{name}: values" if grep { $_->[1] !~ /^-?[0-9.]+(e[-+]?\d+)?$/ } @{ $series->{rows} };
	push @faults, "$series->{name}: windows"
	  if grep { $_->[0] <= $t[ 0.15 * @t ] } @{ $series->{windows} };
	push @faults, "$series->{name}: length" if @t < 1000 || @t > 23000;
}
is("@faults", '', 'times go up, values are numbers, windows are after the beginning');
my $windows = sum(map { scalar @{ $_->{windows} } } @$corpus);
ok($windows > 80, "$windows windows in " . @$corpus . ' series');
ok((grep { !@{ $_->{labels} } } @$corpus) >= 3, 'some series without any');

# A fit that is neither blind nor perfect.
my %scores = map { $_->{name} => AnomalyCorpus::windowed_gaussian($_, 6400) } @$corpus;
diag(AnomalyCorpus::report($corpus, \%scores, 0.8));
($best) = AnomalyCorpus::best($corpus, \%scores);
ok($best > 25 && $best < 60, 'a windowed Gaussian finds some of it');

done_testing();
