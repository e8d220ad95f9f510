# The series of the corpus: what is normal for each, a model, and what goes wrong,
# events.
#
# Only events are labelled: what is in a model (AnomalyCorpus/Models.pm) is normal.
package AnomalyCorpus::Series;

use strict;
use warnings;

use AnomalyCorpus::Models;
use List::Util qw(min max);

use constant PI2 => 6.283185307179586;

# How many disturbances a series has that nobody labels, on average.  With that and
# the sizes of events, two published detectors are about as good here as on real
# series: a windowed Gaussian 40, relative entropy (Wang et al. 2011) 55.
use constant NUISANCES => 1.5;

# name, kind, rows, model, events: sort, size, length (rows, or a share of the
# window if not whole; 99.5: it stays)
our @SERIES = (
	[ 'cpu_idle_1', 'cloud', 4032, \&cpu_idle, [ shift => 2, 0.9 ], [ spike => 12, 2 ] ],
	[ 'cpu_idle_2', 'cloud', 4032, \&cpu_idle, [ spike => 14, 3 ], [ noise => 6, 0.7 ] ],
	[ 'cpu_idle_3', 'cloud', 4032, \&cpu_idle ],
	[ 'cpu_sticky', 'cloud', 4032, \&cpu_sticky, [ shift => 2, 99.5 ], [ wave => 2, 0.5 ] ],
	[ 'cpu_busy_1', 'cloud', 4032, \&cpu_busy, [ noise => 3, 0.6 ], [ shift => 5, 99.5 ] ],
	[ 'cpu_busy_2', 'cloud', 4032, \&cpu_busy, [ ramp => 9, 0.9 ], [ dip => 10, 6 ] ],
	[ 'cpu_full', 'cloud', 4032, \&cpu_full, [ dip => 9, 30 ] ],
	[ 'cpu_jobs_1', 'cloud', 4032, \&cpu_jobs, [ quiet => 1, 0.7 ], [ shift => 5, 80 ] ],
	[ 'cpu_jobs_2', 'cloud', 4032, \&cpu_jobs, [ spike => 22, 5 ] ],
	[ 'rds_cpu_1', 'cloud', 4032, \&rds_cpu, [ spike => 13, 4 ], [ shift => 3, 0.9 ] ],
	[ 'rds_cpu_2', 'cloud', 4032, \&rds_cpu, [ shift => 7, 70 ], [ flat => 1, 120 ] ],
	[ 'disk_write_1', 'cloud', 4032, \&disk_write, [ busy => 40, 40 ], [ spike => 400, 3 ] ],
	[ 'disk_write_2', 'cloud', 4730, \&disk_write, [ busy => 25, 60 ] ],
	[ 'network_in_1', 'cloud', 4032, \&network_in, [ busy => 30, 25 ], [ spike => 120, 2 ] ],
	[ 'network_in_2', 'cloud', 1243, \&network_in, [ quiet => 0.1, 50 ], [ spike => 60, 3 ] ],
	[ 'elb_requests_1', 'cloud', 4032, \&elb_requests, [ busy => 4, 14 ], [ dip => 0.03, 30 ] ],
	[ 'elb_requests_2', 'cloud', 4032, \&elb_requests ],
	[ 'latency_1', 'cloud', 4032, \&latency, [ spike => 14, 3 ], [ shift => 2.2, 0.5 ], [ noise => 4, 0.5 ] ],
	[ 'latency_2', 'cloud', 4032, \&latency, [ ramp => 7, 0.8 ] ],
	[ 'memory', 'cloud', 4032, \&memory, [ ramp => 9, 0.6 ], [ flat => 1, 150 ] ],
	[ 'web_1', 'cloud', 4032, \&web, [ quiet => 1, 200 ] ],
	[ 'web_2', 'cloud', 4032, \&web, [ flat => 1, 130 ], [ shift => 4, 100 ] ],
	[ 'asg_cpu', 'asg', 18050, \&asg_cpu, [ shift => -5, 0.9 ] ],
	[ 'asg_hosts', 'asg', 4621, \&asg_hosts, [ dip => 9, 20 ], [ shift => 6, 0.9 ], [ wave => 4, 90 ] ],
	[ 'cpc_1', 'ads', 1624, \&clicks, [ spike => 5, 3 ], [ shift => 1.9, 99.5 ] ],
	[ 'cpc_2', 'ads', 1538, \&clicks, [ spike => 6, 2 ] ],
	[ 'cpc_3', 'ads', 1643, \&clicks, [ spike => 5, 2 ], [ dip => 0.15, 6 ], [ spike => 7, 1 ] ],
	[ 'cpm_1', 'ads', 1624, \&clicks, [ shift => 2.2, 0.6 ], [ spike => 5, 2 ] ],
	[ 'cpm_2', 'ads', 1538, \&clicks ],
	[ 'cpm_3', 'ads', 1643, \&clicks, [ spike => 6, 2 ], [ shift => 0.4, 0.7 ], [ spike => 4, 3 ], [ spike => 7, 1 ] ],
	[ 'speed_1', 'traffic', 1127, \&speed, [ dip => 7, 9 ] ],
	[ 'speed_2', 'traffic', 2500, \&speed, [ dip => 6, 14 ], [ flat => 1, 30 ], [ dip => 8, 8 ] ],
	[ 'speed_3', 'traffic', 2495, \&speed, [ dip => 7, 12 ], [ shift => -3, 60 ] ],
	[ 'occupancy_1', 'traffic', 2380, \&occupancy, [ spike => 5, 8 ] ],
	[ 'occupancy_2', 'traffic', 2500, \&occupancy, [ spike => 6, 6 ], [ shift => 3, 60 ] ],
	[ 'travel_time_1', 'traffic', 2500, \&travel_time, [ spike => 5, 5 ], [ spike => 4, 9 ], [ shift => 2, 0.6 ] ],
	[ 'travel_time_2', 'traffic', 2162, \&travel_time, [ spike => 7, 4 ] ],
	[ 'tweets_1', 'tweets', 15902, \&tweets, ([ burst => 25, 40 ]) x 4 ],
	[ 'tweets_2', 'tweets', 15866, \&tweets, [ burst => 16, 60 ], [ burst => 40, 25 ], [ dip => 0, 90 ] ],
	[ 'tweets_3', 'tweets', 15858, \&tweets, [ burst => 60, 12 ], [ burst => 12, 120 ] ],
	[ 'tweets_4', 'tweets', 15831, \&tweets, [ burst => 20, 30 ], [ burst => 30, 20 ], [ burst => 12, 150 ] ],
	[ 'tweets_5', 'tweets', 15893, \&tweets, [ burst => 18, 50 ], [ dip => 0.05, 150 ] ],
	[ 'tweets_6', 'tweets', 15842, \&tweets, [ burst => 35, 30 ], [ burst => 22, 45 ], [ busy => 3, 500 ] ],
	[ 'machine_temperature', 'machine', 22695, \&machine, [ stop => 13, 110 ], [ ramp => -5, 0.9 ],
		[ dip => 6, 180 ], [ stop => 15, 0.7 ] ],
	[ 'machine_vibration', 'machine', 9000, \&machine, [ noise => 3, 0.5 ], [ stop => 12, 60 ] ],
	[ 'taxi', 'taxi', 10320, \&taxi, [ busy => 1.45, 8 ], ([ dip => 0.55, 48 ]) x 2, [ busy => 1.6, 8 ], [ dip => 0.15, 60 ] ],
	[ 'bikes', 'taxi', 5000, \&taxi, [ dip => 0.5, 48 ], [ dip => 0.1, 40 ] ],
	[ 'office_temperature', 'office', 7267, \&office, [ ramp => -9, 0.4 ], [ shift => -6, 0.7 ] ],
	[ 'key_hold', 'keys', 1882, \&key_hold, [ shift => 1.8, 0.8 ], [ busy => 1.5, 0.6 ] ],
	[ 'key_updown', 'keys', 5315, \&key_hold, [ shift => 2, 0.8 ], [ spike => 8, 3 ] ]);

# What goes wrong

# Add (or multiply by) the size, scaled by 'share' of it, to the mean of row $i.
sub _push
{
	my ($m, $i, $size, $share) = @_;

	if ($m->{times})
	{
		my $factor = $size > 0 ? exp(log($size) * $share) : 0;
		$m->{mean}[$i] *= $factor;
		$m->{factor}[$i] = $factor;
	}
	else
	{
		$m->{mean}[$i] += $size * $share * $m->{unit};
	}
	return;
}

# Each: model, row of the length's rows, k from 0 to below the length.
my %EVENT = (
	spike => sub { my ($m, $i, $size) = @_; _push($m, $i, $size, 1) },
	dip => sub { my ($m, $i, $size) = @_; _push($m, $i, $m->{times} ? $size : -$size, 1) },
	shift => sub { my ($m, $i, $size) = @_; _push($m, $i, $size, 1) },
	busy => sub { my ($m, $i, $size) = @_; _push($m, $i, $size, 1) },
	stop => sub { my ($m, $i, $size, $k) = @_; _push($m, $i, -$size, min(1, $k / 4 + 0.3)) },
	burst => sub { my ($m, $i, $size, $k, $length) = @_; _push($m, $i, $size, 1 - $k / $length) },
	ramp => sub { my ($m, $i, $size, $k, $length) = @_; _push($m, $i, $size, $k / $length) },
	noise => sub { my ($m, $i, $size) = @_; $m->{sd}[$i] *= $size },
	wave => sub { my ($m, $i, $size, $k) = @_; _push($m, $i, $size, sin(PI2 * $k / 12)) },
	quiet => sub { my ($m, $i, $size) = @_; $m->{mean}[$i] = $m->{quiet}[$i] * $size },
	flat => sub { my ($m, $i, $size, $k) = @_; $m->{flat}[$i] = 1 });

# Rows where $count events start: none of their windows in the first 15 %, the
# first far enough apart that most do not overlap.
sub _places
{
	my ($r, $n, $count, $half) = @_;
	my $from = int(0.15 * $n + $half + 2);
	my $slot = (0.97 * $n - $from) / max($count, 1);

	return map { int($from + $slot * ($_ + $r->between(0.02, 0.8))) } 0 .. $count - 1;
}

# One series: { name, kind, rows => [[epoch, value], ...], labels => [epoch, ...] }
sub generate
{
	my ($r, $name, $kind, $n, $model, @events) = @_;
	my $m = $model->($r, $n);
	my @labels;

	$n = @{ $m->{t} };
	_disturb($r, $m, $n, @events) for 1 .. $r->poisson(NUISANCES);
	my $window = @events ? 0.1 * $n / @events : 0;
	for my $at (_places($r, $n, scalar @events, $window / 2))
	{
		my ($sort, $size, $length) = @{ splice(@events, $r->integer(0, $#events), 1) };
		push @labels, _spoil($r, $m, $at, $sort, $size, $length != int($length) ? $length * $window : $length);
	}
	return { name => $name, kind => $kind, labels => \@labels, rows => _rows($r, $m) };
}

# Something that nobody labels, anywhere: like an event, but smaller and sooner over.
sub _disturb
{
	my ($r, $m, $n, @events) = @_;
	my @brief = grep { $_->[0] =~ /spike|dip|shift|busy|burst|stop/ && $_->[1] } @events;
	my ($sort, $size, $length) = @{ $brief[ $r->integer(0, $#brief) ] // [ spike => $m->{times} ? 4 : 8, 2 ] };
	my $share = $r->between(0.3, 0.7);

	$length = 20 if $length > 40 || $length != int($length);
	_spoil($r, $m, $r->integer(0, $n - 1), $sort, $m->{times} ? $size**$share : $share * $size, int($length / 2) || 1);
	return;
}

# Put an event into the model; returns the time at which people would say that it
# started, which need not be its first row.
sub _spoil
{
	my ($r, $m, $at, $sort, $size, $length) = @_;
	my $last = $#{ $m->{t} };

	$length = max(1, int($length * ($length > 3 ? $r->between(0.7, 1.3) : 1)));
	if (!$m->{times} && $sort ne 'quiet')
	{
		$size *= $r->between(0.45, 1.15);
	}
	elsif ($size > 0 && $size != 1)
	{
		$size **= $r->between(0.55, 1.1);
	}
	for my $k (0 .. $length - 1)
	{
		$EVENT{$sort}->($m, $at + $k, $size, $k, $length) if $at + $k <= $last;
	}
	my $seen = $at + int(($sort eq 'ramp' ? 0.5 * $length : 0) + min(3, $length / 4) * $r->uniform);
	return $m->{t}[ min($seen, $last) ];
}

sub _rows
{
	my ($r, $m) = @_;
	my ($value, @rows);

	for my $i (0 .. $#{ $m->{t} })
	{
		if (!$m->{flat}[$i] || !defined $value)
		{
			$value = $m->{draw}->($r, $m->{mean}[$i], $m->{sd}[$i], $m->{factor}[$i] // 1);
			$value = max($value, $m->{floor}) if defined $m->{floor};
			$value = min($value, $m->{ceiling}) if defined $m->{ceiling};
			$value = sprintf('%.10g', $m->{quantum} * int($value / $m->{quantum} + ($value < 0 ? -0.5 : 0.5)));
		}
		push @rows, [ $m->{t}[$i], $value ];
	}
	return \@rows;
}

1;
