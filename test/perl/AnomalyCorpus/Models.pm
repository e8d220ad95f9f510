# What is normal, for each sort of series (AnomalyCorpus/Series.pm).
#
# A model is made from a number of rows: 't' (their times), 'mean' and 'sd' of each,
# 'quiet' (the mean without its recurring jobs and its season), 'draw' (a row's
# value from the two), and the 'unit' in which events are measured.  With 'times',
# events multiply the mean instead.  Jobs, bursts, heavy tails, drift, single
# outliers, missing rows: what is in a model is normal, however odd it looks.
package AnomalyCorpus::Models;

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(min max);

use constant { HOUR => 3600, DAY => 86400, PI2 => 6.283185307179586 };

our @EXPORT = qw(
	cpu_idle cpu_sticky cpu_busy cpu_full cpu_jobs rds_cpu disk_write network_in elb_requests
	latency memory web asg_cpu asg_hosts clicks speed occupancy travel_time tweets machine
	taxi office key_hold);

# A first-order autoregressive process of standard deviation 1.
sub _wander
{
	my ($r, $n, $phi) = @_;
	my $x = $r->normal;
	my $step = sqrt(1 - $phi * $phi);

	return map { $x = $phi * $x + $step * $r->normal } 1 .. $n;
}

# How near the time of day is to 'centre' hours: 1 there, a bell of 'width' hours.
sub _bell
{
	my ($t, $centre, $width) = @_;
	my $d = abs(($t % DAY) / HOUR - $centre);

	$d = 24 - $d if $d > 12;
	return exp(-0.5 * ($d / $width)**2);
}

# 0 is Monday.
sub _weekday
{
	my ($t) = @_;
	return int($t / DAY + 3) % 7;
}

sub _plain
{
	my ($r, $mean, $sd) = @_;
	return $mean + $sd * $r->normal;
}

# Now and then a value far off, for a row alone.
sub _with_outliers
{
	my ($draw, $rate, $size) = @_;
	return sub {
		my ($r, $mean, $sd) = @_;
		my $x = $draw->($r, $mean, $sd);
		$x += $sd * $size * $r->pareto(2.5) if $r->chance($rate);
		return $x;
	};
}

sub _times
{
	my ($r, $n, $step) = @_;
	my $start = 1392595200 + DAY * $r->integer(0, 400) + HOUR * $r->integer(0, 23);
	return map { $start + $_ * $step } 0 .. $n - 1;
}

# Near zero, in steps of what the meter can tell, with a job every night.
sub cpu_idle
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my $level = $r->between(0.06, 0.14);
	my ($job, $size) = ($r->between(0, 24), $level * $r->between(0.3, 2));
	my $hour = HOUR * $job;
	my @quiet = ($level) x $n;
	my @mean = map { $level + (($_ - $hour) % DAY < 600 ? $size : 0) } @t;
	return { t => \@t, mean => \@mean, quiet => \@quiet, sd => [ ($level * 0.03) x $n ],
		unit => $level * 0.15, quantum => 0.002, floor => 0, draw => _with_outliers(\&_plain, 0.0006, 9) };
}

# The same value for hours, then another near it.
sub cpu_sticky
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my $level = $r->between(1.7, 2.4);
	my $last;
	my $last_mean = 0;
	return { t => \@t, mean => [ ($level) x $n ], sd => [ ($level * 0.02) x $n ],
		unit => $level * 0.08, quantum => 0.02,
		draw => sub {
			my ($r, $mean, $sd) = @_;
			$last = _plain($r, $mean, $sd) if !defined $last || $mean != $last_mean || $r->chance(0.15);
			$last_mean = $mean;
			return $r->chance(0.002) ? $last * 1.5 : $last;
		} };
}

sub cpu_busy
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my @slow = _wander($r, $n, 0.99);
	my ($level, $season, $peak) = ($r->between(30, 48), $r->between(1, 4), $r->between(9, 20));
	my @quiet = map { $level + 0.8 * $slow[$_] } 0 .. $n - 1;
	return { t => \@t, mean => [ map { $quiet[$_] + $season * _bell($t[$_], $peak, 4) } 0 .. $n - 1 ],
		quiet => \@quiet, sd => [ (1.6) x $n ], unit => 2.2, quantum => 0.002, floor => 0, ceiling => 100,
		draw => _with_outliers(\&_plain, 0.001, 4) };
}

# At the ceiling, with short dips.
sub cpu_full
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my $level = $r->between(93, 97);
	return { t => \@t, mean => [ ($level) x $n ], sd => [ (1.5) x $n ], unit => 4, quantum => 0.1, ceiling => 100,
		draw => sub {
			my ($r, $mean, $sd) = @_;
			my $dip = $r->chance(0.004) ? $sd * 4 * $r->pareto(2.5) : 0;
			return max($mean + $sd * (1 - $r->exponential) - $dip, 20);
		} };
}

# A job every so many hours that takes as long as it takes.
sub cpu_jobs
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my ($every, $height) = ($r->integer(2, 6) * 12, $r->between(15, 45));
	my @quiet = ($r->between(2, 6)) x $n;
	my @mean = @quiet;

	for (my $i = $r->integer(0, $every); $i < $n; $i += $every)
	{
		my $size = $height * $r->between(0.6, 1.2);
		for my $k ($i .. min($n - 1, $i + $r->integer(1, 4))) { $mean[$k] += $size; }
	}
	return { t => \@t, mean => \@mean, quiet => \@quiet, sd => [ map { 0.05 * $_ } @mean ], unit => $height / 6,
		quantum => 0.01, floor => 0, ceiling => 100, draw => \&_plain };
}

# A database with a backup at night.
sub rds_cpu
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my ($level, $night) = ($r->between(5, 15), HOUR * $r->between(1, 5));
	my @slow = _wander($r, $n, 0.98);
	my @quiet = map { $level * (1 + 0.03 * $slow[$_] + 0.1 * _bell($t[$_], 15, 4)) } 0 .. $n - 1;
	my @mean = map { $quiet[$_] + (($t[$_] - $night) % DAY < 1500 ? 0.7 * $level : 0) } 0 .. $n - 1;
	return { t => \@t, mean => \@mean, quiet => \@quiet, sd => [ ($level * 0.05) x $n ], unit => $level * 0.08,
		quantum => 0.05, floor => 0, ceiling => 100, draw => _with_outliers(\&_plain, 0.002, 5) };
}

# Mostly nothing, then bytes by the megabyte.
sub disk_write
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my ($rate, $sigma, $hourly) = ($r->between(0.04, 0.15), $r->between(1, 1.5), $r->chance(0.5));
	my $i = 0;
	return { t => \@t, mean => [ ($r->between(2e4, 3e5)) x $n ], sd => [ (1) x $n ], times => 1, quantum => 512,
		draw => sub {
			my ($r, $mean, $sd, $factor) = @_;
			my $due = $hourly && $i++ % 12 == 0;
			return 0 unless $due || $r->chance(min(0.95, $rate * sqrt($factor)));
			return $mean * exp($sigma * $r->normal) * ($r->chance(0.01) ? 10 : 1);
		} };
}

# Much noise, and transfers of any size a few times a day.
sub network_in
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my $base = $r->between(3e4, 4e5);
	my @quiet = ($base) x $n;
	my @mean = map { $base * (1 + 0.4 * _bell($_, 14, 4)) } @t;

	for (my $i = 0; $i < $n; $i += 1 + int(60 * $r->exponential))
	{
		my $size = $base * min(3 * $r->pareto(1.3), 40);
		for my $k ($i .. min($n - 1, $i + int(1.5 * $r->exponential))) { $mean[$k] += $size; }
	}
	return { t => \@t, mean => \@mean, quiet => \@quiet, sd => [ (0.25) x $n ], times => 1, quantum => 0.2,
		draw => sub { my ($r, $mean, $sd) = @_; return $mean * exp($sd * $r->normal) } };
}

# Requests in five minutes: hardly any at night; minutes without any are missing.
sub elb_requests
{
	my ($r, $n) = @_;
	my @t = grep { !$r->chance(0.01) } _times($r, $n, 300);
	my ($base, $peak) = ($r->between(10, 60), $r->between(14, 22));
	my @burst = _wander($r, scalar @t, 0.9);
	return { t => \@t, times => 1, quantum => 1, sd => [ (1) x @t ],
		mean => [ map { $base * (0.3 + 1.5 * _bell($t[$_], $peak, 4) + 0.5 * _bell($t[$_], $peak - 6, 2)) *
				  exp(0.3 * $burst[$_]) } 0 .. $#t ],
		draw => sub {
			my ($r, $mean) = @_;
			return $r->poisson($r->gamma($mean, 6) * ($r->chance(0.003) ? 3 : 1));
		} };
}

# Skewed, with a tail.
sub latency
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my $level = $r->between(35, 60);
	my @slow = _wander($r, $n, 0.95);
	return { t => \@t, sd => [ (3) x $n ], unit => 4, quantum => 0.002, floor => 1,
		mean => [ map { $level + 1.2 * $slow[$_] + 2 * _bell($t[$_], 13, 4) } 0 .. $n - 1 ],
		draw => sub {
			my ($r, $mean, $sd) = @_;
			return $mean - $sd + $r->gamma($sd, 1.3) + ($r->chance(0.003) ? $sd * 3 * min($r->pareto(2), 5) : 0);
		} };
}

# It fills, and a collection or a restart frees it.
sub memory
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my ($x, @mean) = (50);

	for (1 .. $n)
	{
		$x += 0.06 * $r->exponential;
		$x = $r->between(47, 52) if $x > 68 && $r->chance(0.05);
		push @mean, $x;
	}
	return { t => \@t, mean => \@mean, sd => [ (0.5) x $n ], unit => 3, quantum => 0.01, ceiling => 100,
		draw => \&_plain };
}

# A plateau by day.
sub web
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my ($from, $to, $level) = ($r->between(6, 9), $r->between(17, 20), $r->between(20, 40));
	my @quiet = ($level) x $n;
	my @mean = map { my $h = ($_ % DAY) / HOUR; $level * ($h >= $from && $h < $to ? 3 : 1) } @t;
	return { t => \@t, mean => \@mean, quiet => \@quiet, sd => [ map { 0.06 * $_ } @mean ], unit => $level * 0.2,
		quantum => 0.001, draw => _with_outliers(\&_plain, 0.001, 3) };
}

# Two months of an autoscaling group.
sub asg_cpu
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my @slow = _wander($r, $n, 0.998);
	my $level = $r->between(32, 45);
	return { t => \@t, sd => [ (3) x $n ], unit => 4, quantum => 0.001, floor => 0, ceiling => 100,
		mean => [ map { $level + 2 * $slow[$_] + 14 * _bell($t[$_], 19, 4) * (_weekday($t[$_]) > 4 ? 0.8 : 1) }
			  0 .. $n - 1 ],
		draw => _with_outliers(\&_plain, 0.001, 6) };
}

# Average over hosts that come and go: steps.
sub asg_hosts
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my ($x, @mean) = ($r->between(28, 34));

	for (1 .. $n)
	{
		$x = $r->between(25, 36) if $r->chance(0.002);
		push @mean, $x;
	}
	return { t => \@t, mean => \@mean, sd => [ (0.7) x $n ], unit => 2.5, quantum => 0.001, floor => 0,
		ceiling => 100, draw => \&_plain };
}

# Cost of a click or of a thousand shown, by the hour: noise all over.
sub clicks
{
	my ($r, $n) = @_;
	my @t = grep { !$r->chance(0.01) } _times($r, $n, HOUR);
	my @slow = _wander($r, scalar @t, 0.97);
	my ($level, $sigma, $season) = ($r->between(0.05, 0.8), $r->between(0.22, 0.35), $r->between(0, 0.4));
	return { t => \@t, sd => [ ($sigma) x @t ], times => 1, quantum => 1e-6,
		mean => [ map { $level * exp(0.2 * $slow[$_] + $season * _bell($t[$_], 12, 4)) } 0 .. $#t ],
		draw => sub {
			my ($r, $mean, $sd) = @_;
			return $mean * exp($sd * $r->normal) * ($r->chance(0.008) ? 1 + min($r->pareto(2), 3) : 1);
		} };
}

# A sensor on the road reports when cars pass, about every 5 to 10 minutes, and
# at times not for hours.
sub _road_times
{
	my ($r, $n) = @_;
	my ($t) = _times($r, 1, 300);

	return map {
		$t += 300 * (1 + int(0.6 * $r->exponential)) + ($r->chance(0.1) ? 60 * $r->integer(0, 4) : 0);
		$t += HOUR * $r->between(1, 9) if $r->chance(0.003);
		int($t)
	} 1 .. $n;
}

# How crowded the road is: 0 to about 1.
sub _rush
{
	my ($t, $morning, $evening) = @_;
	my $workday = _weekday($t) < 5 ? 1 : 0.25;
	return $workday * ($morning * _bell($t, 8, 1.2) + $evening * _bell($t, 17.5, 1.6)) + 0.25 * _bell($t, 13, 4);
}

sub speed
{
	my ($r, $n) = @_;
	my @t = _road_times($r, $n);
	my ($free, $morning, $evening) = ($r->between(65, 82), $r->between(0, 0.5), $r->between(0.1, 0.9));
	return { t => \@t, sd => [ (4) x $n ], unit => 5, quantum => 1, floor => 3,
		mean => [ map { $free - 18 * _rush($_, $morning, $evening) } @t ],
		draw => _with_outliers(\&_plain, 0.006, -4) };
}

sub occupancy
{
	my ($r, $n) = @_;
	my @t = _road_times($r, $n);
	my ($base, $morning, $evening) = ($r->between(2, 5), $r->between(0.3, 1), $r->between(0.3, 1));
	return { t => \@t, sd => [ (0.35) x $n ], unit => 4, quantum => 0.01, floor => 0,
		mean => [ map { $base + 12 * _rush($_, $morning, $evening) * (1 - 0.8 * _bell($_, 3, 2)) } @t ],
		draw => sub {
			my ($r, $mean, $sd) = @_;
			return $mean * exp($sd * $r->normal) * ($r->chance(0.005) ? 2.5 : 1);
		} };
}

sub travel_time
{
	my ($r, $n) = @_;
	my @t = _road_times($r, $n);
	my ($base, $morning, $evening) = ($r->between(120, 350), $r->between(0, 0.8), $r->between(0.3, 1));
	return { t => \@t, sd => [ (0.22) x $n ], times => 1, quantum => 1, floor => 1,
		mean => [ map { $base * (1 + 1.2 * _rush($_, $morning, $evening)) } @t ],
		draw => sub {
			my ($r, $mean, $sd) = @_;
			return $mean * exp($sd * $r->normal) * ($r->chance(0.01) ? 1 + min($r->pareto(2.2), 3) : 1);
		} };
}

# People talk about a company: by day more than at night, and whenever someone
# says something that others repeat.
sub tweets
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my ($base, $peak) = (exp($r->between(0.5, 4)), $r->between(15, 21));
	my @slow = _wander($r, $n, 0.995);
	my @quiet = map { $base * (0.3 + _bell($t[$_], $peak, 5)) * exp(0.25 * $slow[$_]) } 0 .. $n - 1;
	my @mean = @quiet;

	for (my $i = 0; $i < $n; $i += 1 + int(250 * $r->exponential))
	{
		my ($size, $decay) = ($base * min(1.5 * $r->pareto(1.3), 9), $r->between(0.3, 0.9));
		for (my $k = $i; $k < $n && $size > 0.1 * $base; $k++, $size *= $decay) { $mean[$k] += $size; }
	}
	return { t => \@t, mean => \@mean, quiet => \@quiet, sd => [ (1) x $n ], times => 1, quantum => 1,
		draw => sub {
			my ($r, $mean) = @_;
			return $r->poisson($r->gamma($mean, 4) * ($r->chance(0.001) ? 4 : 1));
		} };
}

# A sensor inside a machine: it wanders for days, and dips when the machine idles.
sub machine
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my @slow = _wander($r, $n, 0.9995);
	my @fast = _wander($r, $n, 0.97);
	my $level = $r->between(80, 92);
	my @mean = map { $level + 5 * $slow[$_] + 2.5 * $fast[$_] + 1.5 * _bell($t[$_], 15, 5) } 0 .. $n - 1;

	for (my $i = 0; $i < $n; $i += 1 + int(1500 * $r->exponential))
	{
		my $depth = $r->between(4, 14);
		for my $k ($i .. min($n - 1, $i + $r->integer(8, 40))) { $mean[$k] -= $depth; }
	}
	return { t => \@t, mean => \@mean, sd => [ (0.9) x $n ], unit => 5, quantum => 1e-6, floor => 2,
		draw => \&_plain };
}

# Rides in half an hour, in a city that sleeps little, on Saturdays least.
sub taxi
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 1800);
	my @slow = _wander($r, $n, 0.98);
	my $level = $r->between(9000, 14000);
	my @mean = map {
		my ($t, $day) = ($t[$_], _weekday($t[$_]));
		my $late = $day > 3 && $day < 6 ? 1 : 0.55;
		$level * exp(0.04 * $slow[$_]) *
		  (0.35 + 0.9 * _bell($t, 19, 3.5) * $late**0.2 + ($day < 5 ? 0.65 : 0.3) * _bell($t, 8.5, 2) + 0.6 * _bell($t, 13, 3)
			  + 0.7 * $late * _bell($t, 23.5, 2) + ($day > 4 ? 0.4 * _bell($t, 1.5, 1.5) : 0))
	} 0 .. $n - 1;
	return { t => \@t, mean => \@mean, sd => [ (0.04) x $n ], times => 1, quantum => 1,
		draw => sub { my ($r, $mean, $sd) = @_; return $mean * exp($sd * $r->normal) } };
}

# An office through the year: heated on workdays, warmer in summer; hours are missing.
sub office
{
	my ($r, $n) = @_;
	my @t = grep { !$r->chance(0.01) } _times($r, $n, HOUR);
	my @slow = _wander($r, scalar @t, 0.985);
	my $phase = $r->uniform;
	return { t => \@t, sd => [ (0.5) x @t ], unit => 1.5, quantum => 1e-6,
		mean => [ map { 70 + 2.2 * sin(PI2 * ($t[$_] / (365 * DAY) + $phase)) + 1.7 * $slow[$_] +
				  (_weekday($t[$_]) < 5 ? 2 : 0.7) * _bell($t[$_], 15, 3.5) } 0 .. $#t ],
		draw => \&_plain };
}

# How long keys are held, averaged over an hour of typing, if anyone types.
sub key_hold
{
	my ($r, $n) = @_;
	my @t = _times($r, $n, 300);
	my @slow = _wander($r, $n, 0.9);
	return { t => \@t, sd => [ (0.3) x $n ], times => 1, quantum => 1e-9, floor => 0,
		mean => [ map { 0.1 * exp(0.15 * $slow[$_]) * (1 + 0.3 * _bell($t[$_], 14, 3)) } 0 .. $n - 1 ],
		draw => sub {
			my ($r, $mean, $sd) = @_;
			return $mean * exp($sd * $r->normal) * ($r->chance(0.015) ? 1 + min($r->pareto(2), 5) : 1);
		} };
}

1;
