# An examiner for detectors of anomalies: labelled series that look like what
# people watch, and what a detector's scores on them are worth.
#
#   my $corpus = AnomalyCorpus::generate($seed);
#   my %scores = map { $_->{name} => [ ... one score per row ... ] } @$corpus;
#   AnomalyCorpus::score($corpus, \%scores, 0.5)         # at a threshold
#   AnomalyCorpus::best($corpus, \%scores)               # (score, threshold)
#   AnomalyCorpus::by_kind($corpus, \%scores, 0.5)       # { kind => score }
#
# Series are made up, each from the seed and its name alone (AnomalyCorpus/Series.pm).
# One is { name, kind, rows => [[epoch, value], ...], labels => [epoch, ...],
# windows => [[from, to], ...] }.
#
# The score is that of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015), its
# standard profile.  Around each label is a window; the windows of a series are
# 10 % of it together, and those that touch are one.  A row is a detection if its
# score reaches the threshold.  The earliest detection in a window earns up to 1,
# the earlier the more; a window without one costs 1; each detection outside
# costs up to 0.11, less if it comes soon after a window.  The first 15 % of a
# series, at most 750 rows, are not judged.  No detection at all is 0, every
# window at its first row and nothing else is 100.
package AnomalyCorpus;

use strict;
use warnings;

use AnomalyCorpus::Random;
use AnomalyCorpus::Series;
use List::Util qw(min);

use constant {
	DEFAULT_SEED => 20151,
	MISS => 1.0,
	FALSE_ALARM => 0.11,
	WINDOWS_SHARE => 0.1,
	PROBATION_SHARE => 0.15,
	PROBATION_ROWS => 750
};

# The labelled series of a seed.
sub generate
{
	my ($seed) = @_;
	my @corpus;

	for my $series (@AnomalyCorpus::Series::SERIES)
	{
		my ($name) = @$series;
		my $r = AnomalyCorpus::Random->new($seed, $name);
		push @corpus, label(AnomalyCorpus::Series::generate($r, @$series));
	}
	return \@corpus;
}

# The seed to use: $KS_SEED, or always the same.
sub seed
{
	return $ENV{KS_SEED} || DEFAULT_SEED;
}

# Give a series its windows.
sub label
{
	my ($series) = @_;
	my @t = map { $_->[0] } @{ $series->{rows} };
	my @labels = sort { $a <=> $b } @{ $series->{labels} };
	my $half = @labels ? int(0.5 * WINDOWS_SHARE * @t / @labels) : 0;
	my @windows;

	for my $label (@labels)
	{
		my $row = 0;
		$row++ while $t[$row] < $label;
		my ($from, $to) = ($t[ $row - $half ], $t[ min($row + $half, $#t) ]);
		die "$series->{name}: a window in its beginning"
		  if $row - $half < PROBATION_SHARE * @t;
		if (@windows && $from <= $windows[-1][1]) { $windows[-1][1] = $to; }
		else { push @windows, [ $from, $to ]; }
	}
	$series->{windows} = \@windows;
	return $series;
}

# The worth of a detection: 1 to 0 before y = 0, then down to -1.
sub _sigmoid
{
	my ($y) = @_;
	return $y > 3 ? -1 : 2 / (1 + exp(5 * $y)) - 1;
}

# What a detection at each row would be worth: [window's number or undef, worth]
# of each judged row, undef of the others.
sub _worths
{
	my ($series) = @_;
	my @t = map { $_->[0] } @{ $series->{rows} };
	my $judged = min(int(PROBATION_SHARE * @t), PROBATION_ROWS);
	my @worths = (undef) x $judged;
	my ($first, $last, $row, $number) = (undef, undef, 0, 0);

	for my $window (@{ $series->{windows} }, [ 9**20, 9**20 ])
	{
		for (; $row < @t && $t[$row] < $window->[0]; $row++)
		{
			my $y = defined $last ? ($row - $last) / (($last - $first) || 1) : 9;
			$worths[$row] = [ undef, FALSE_ALARM * _sigmoid($y) ] if $row >= $judged;
		}
		last if $row == @t;
		$first = $row;
		$row++ while $row < @t && $t[$row] <= $window->[1];
		$last = $row - 1;
		for my $i ($first .. $last)
		{
			my $y = $last > $first ? ($i - $last) / ($last - $first) : -1;
			$worths[$i] = [ $number, _sigmoid($y) / _sigmoid(-1) ] if $i >= $judged;
		}
		$number++;
	}
	return \@worths;
}

# From a sum over $windows windows to 0 for no detection and 100 for perfection.
sub _normalise
{
	my ($sum, $windows) = @_;
	return 100 * ($sum + MISS * $windows) / (($windows * (1 + MISS)) || 1);
}

# The sum of one series at a threshold, and its number of windows.
sub _sum
{
	my ($series, $scores, $threshold) = @_;
	my $worths = _worths($series);
	my $sum = -MISS * @{ $series->{windows} };
	my @found;

	for my $row (0 .. $#$worths)
	{
		next unless $worths->[$row] && defined $scores->[$row] && $scores->[$row] >= $threshold;
		my ($window, $worth) = @{ $worths->[$row] };
		next if defined $window && $found[$window]++;
		$sum += $worth + (defined $window ? MISS : 0);
	}
	return ($sum, scalar @{ $series->{windows} });
}

# The score of a corpus at a threshold.
sub score
{
	my ($corpus, $scores, $threshold) = @_;
	my ($sum, $windows) = (0, 0);

	for my $series (@$corpus)
	{
		my ($s, $w) = _sum($series, $scores->{ $series->{name} }, $threshold);
		$sum += $s;
		$windows += $w;
	}
	return _normalise($sum, $windows);
}

# The score of each kind of series at a threshold; a kind without windows has
# what its false alarms cost, in windows' worth.
sub by_kind
{
	my ($corpus, $scores, $threshold) = @_;
	my %kinds;

	push @{ $kinds{ $_->{kind} } }, $_ for @$corpus;
	return { map { $_ => score($kinds{$_}, $scores, $threshold) } keys %kinds };
}

# The best score that one threshold for the whole corpus reaches, and the threshold:
# each score that occurs is tried, from the highest down.
sub best
{
	my ($corpus, $scores) = @_;
	my (@rows, %worth);
	my $windows = 0;

	for my $series (@$corpus)
	{
		my ($name, $worths) = ($series->{name}, _worths($series));
		my $s = $scores->{$name};
		for my $row (0 .. $#$worths)
		{
			next unless $worths->[$row] && defined $s->[$row];
			my ($window, $worth) = @{ $worths->[$row] };
			push @rows, [ $s->[$row], $worth, defined $window ? "$name/$window" : undef ];
		}
		$windows += @{ $series->{windows} };
	}
	my ($best, $best_at, $sum) = (0, 9**9**9, -MISS * $windows);
	@rows = sort { $b->[0] <=> $a->[0] } @rows;
	for my $i (0 .. $#rows)
	{
		my ($score, $worth, $window) = @{ $rows[$i] };
		if (!defined $window) { $sum += $worth; }
		elsif (!defined $worth{$window} || $worth > $worth{$window})
		{
			$sum += $worth - ($worth{$window} // -MISS);
			$worth{$window} = $worth;
		}
		next if $i < $#rows && $rows[ $i + 1 ][0] == $score;
		my $normal = _normalise($sum, $windows);
		($best, $best_at) = ($normal, $score) if $normal > $best;
	}
	return ($best, $best_at);
}

# The corpus as CSV: series, row, epoch, value; and the labels' windows.
sub write_csv
{
	my ($corpus, $folder) = @_;

	open(my $rows, '>', "$folder/series.csv") or die "$folder/series.csv: $!";
	open(my $labels, '>', "$folder/labels.csv") or die "$folder/labels.csv: $!";
	print $rows "series,row,epoch,value\n";
	print $labels "series,kind,label,window_from,window_to\n";
	for my $series (@$corpus)
	{
		my ($name, $i) = ($series->{name}, 0);
		print $rows join(',', $name, $i++, @$_), "\n" for @{ $series->{rows} };
		for my $label (@{ $series->{labels} })
		{
			my ($window) = grep { $label >= $_->[0] && $label <= $_->[1] } @{ $series->{windows} };
			print $labels join(',', $name, $series->{kind}, $label, @$window), "\n";
		}
	}
	close($rows) && close($labels) or die "$folder: $!";
	return;
}

# Scores from lines "series,row,score", for score(); an empty score is none.
sub read_scores
{
	my ($handle) = @_;
	my %scores;

	while (my $line = <$handle>)
	{
		chomp $line;
		my ($name, $row, $score) = split /,/, $line;
		next if $name eq 'series';
		$scores{$name}[$row] = defined $score && $score ne '' && $score !~ /nan/i ? $score + 0 : undef;
	}
	return \%scores;
}

# What a plain detector gives, to compare with: how far out a row is in a normal
# distribution fitted to up to $window rows before it.  A tail of 10^-k is k/(1 + k).
sub windowed_gaussian
{
	my ($series, $window) = @_;
	my ($n, $sum, $squares, @kept, @scores) = (0, 0, 0);

	for my $row (@{ $series->{rows} })
	{
		my $x = $row->[1] - $series->{rows}[0][1];
		my $variance = $n > 1 ? ($squares - $sum * $sum / $n) / ($n - 1) : 0;
		my $z = $variance > 0 ? abs($x - $sum / $n) / sqrt($variance) : 0;
		push @scores, $n > 1 ? _gaussian_score($z) : undef;
		push @kept, $x;
		my $old = @kept > $window ? shift @kept : undef;
		$n = @kept;
		$sum += $x - ($old // 0);
		$squares += $x * $x - ($old // 0)**2;
	}
	return \@scores;
}

# The bound on the normal tail is good to some per cent.
sub _gaussian_score
{
	my ($z) = @_;
	my $decades = (0.5 * $z * $z + log(1.2533 * ($z + sqrt($z * $z + 2.5465)))) / log(10);
	return $decades / (1 + $decades);
}

# A table for people: overall at the threshold and at the best one, and each kind.
sub report
{
	my ($corpus, $scores, $threshold) = @_;
	my ($best, $at) = best($corpus, $scores);
	my $kinds = by_kind($corpus, $scores, $threshold);
	my $best_kinds = by_kind($corpus, $scores, $at);

	return join("\n", sprintf('%-12s %8s %8s', '', "at $threshold", 'at best'),
		sprintf('%-12s %8.1f %8.1f (%.6g)', 'all', score($corpus, $scores, $threshold), $best, $at),
		map { sprintf('%-12s %8.1f %8.1f', $_, $kinds->{$_}, $best_kinds->{$_}) } sort keys %$kinds) . "\n";
}

1;
