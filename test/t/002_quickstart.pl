# The quick start: the log analysis example shows what was produced, to the
# last row, and does so again when it is run again.
use strict;
use warnings;

use IPC::Run qw(run);
use KafkaStream;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $node = new_node('main');
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
local $ENV{KAFKA_BROKERS} = $broker->brokers;

for my $round (1, 2)
{
	my $output = '';
	my $ok = run([ 'bash', 'test/quickstart/run.sh' ], '<', \'', '>&', \$output);

	ok($ok, "quick start, run $round") or diag($output);
	is(() = $output =~ /rows, each as the plain query/g, 8, "run $round compared eight times");
}

is($node->safe_psql('postgres', 'SELECT count(*) FROM kafka_stream.dead_letters'),
	'6', 'six bad messages, six dead letters');

done_testing();
