# A generator of random numbers that gives the same ones on every machine:
# xorshift64*, its seed mixed from a number and a name.
#
#   my $r = AnomalyCorpus::Random->new(42, 'cpu');
#   $r->uniform; $r->between(2, 3); $r->normal; $r->poisson(4.5);
package AnomalyCorpus::Random;

use strict;
use warnings;

sub new
{
	my ($class, $seed, $name) = @_;
	my $self = bless { x => 88172645463325252, spare => undef }, $class;

	for my $byte (unpack('C*', "$seed/$name"))
	{
		$self->{x} ^= $byte + 1;
		$self->_next for 1 .. 3;
	}
	$self->_next for 1 .. 20;
	return $self;
}

sub _next
{
	my ($self) = @_;
	my $x = $self->{x};

	$x ^= $x << 13;
	$x ^= $x >> 7;
	$x ^= $x << 17;
	return $self->{x} = $x;
}

# In (0, 1).
sub uniform
{
	my ($self) = @_;
	return (($self->_next >> 12) + 0.5) / 4503599627370496;
}

sub between
{
	my ($self, $low, $high) = @_;
	return $low + ($high - $low) * $self->uniform;
}

# A whole number in [low, high].
sub integer
{
	my ($self, $low, $high) = @_;
	return $low + int(($high - $low + 1) * $self->uniform);
}

sub chance
{
	my ($self, $probability) = @_;
	return $self->uniform < $probability;
}

sub normal
{
	my ($self) = @_;
	my $spare = $self->{spare};

	if (defined $spare)
	{
		$self->{spare} = undef;
		return $spare;
	}
	my $radius = sqrt(-2 * log($self->uniform));
	my $angle = 6.283185307179586 * $self->uniform;
	$self->{spare} = $radius * sin($angle);
	return $radius * cos($angle);
}

# With mean 1.
sub exponential
{
	my ($self) = @_;
	return -log($self->uniform);
}

# At least 1, with the tail of x^-alpha.
sub pareto
{
	my ($self, $alpha) = @_;
	return $self->uniform**(-1 / $alpha);
}

sub poisson
{
	my ($self, $mean) = @_;
	my ($k, $p, $limit) = (0, 1, exp(-$mean));

	if ($mean > 30)
	{
		my $x = int($mean + sqrt($mean) * $self->normal + 0.5);
		return $x < 0 ? 0 : $x;
	}
	$k++ while ($p *= $self->uniform) > $limit;
	return $k;
}

# Gamma with a mean and a shape (Marsaglia and Tsang 2000).
sub gamma
{
	my ($self, $mean, $shape) = @_;
	my $d = ($shape < 1 ? $shape + 1 : $shape) - 1 / 3;
	my $c = 1 / sqrt(9 * $d);

	while (1)
	{
		my $x = $self->normal;
		my $v = (1 + $c * $x)**3;
		next if $v <= 0 || log($self->uniform) >= 0.5 * $x * $x + $d - $d * $v + $d * log($v);
		$v *= $self->uniform**(1 / $shape) if $shape < 1;
		return $mean * $d * $v / $shape;
	}
}

1;
