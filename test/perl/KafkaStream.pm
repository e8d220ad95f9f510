# What the tests under test/t/ share: servers with kafka_stream, topics and
# records on a real broker, and the oracle.
#
#   use KafkaStream;
#   my $broker = KafkaStream::Broker->shared;       # or ->new, to stop and kill
#   my $node = new_node('main');
#   my $topic = $broker->create_topic('logs', 4);
#   $broker->produce($topic, 0, '{"a": 1}', '{"a": 2}');
#   same_rows($node, 'SELECT * FROM view', 'SELECT ...', 'view equals its query');
#   done_testing();
package KafkaStream;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(new_node wait_for same_rows row_difference);

# A running server with the extension in its database postgres.  %options:
# durable => 1 keeps fsync on; conf => lines for postgresql.conf.
sub new_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	# whatever the caller's locale, or none
	$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = 'kafka_stream'
max_worker_processes = 32
restart_after_crash = on
log_min_messages = info
END
	$node->append_conf('postgresql.conf', 'fsync = on') if $options{durable};
	$node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION kafka_stream');
	return $node;
}

# Ask until the answer is as expected (default 't'), at most $timeout seconds
# (default 60).  Queries may fail meanwhile: servers restart in these tests.
sub wait_for
{
	my ($node, $sql, $expected, $timeout) = @_;
	my $deadline = time() + ($timeout // 60);
	my ($answer, $error);

	$expected //= 't';
	while (1)
	{
		(undef, $answer, $error) = ('', '', '');
		$node->psql('postgres', $sql, stdout => \$answer, stderr => \$error, timeout => 30);
		return 1 if $answer eq $expected;
		last if time() > $deadline;
		sleep(0.1);
	}
	diag("waited in vain for '$expected' from: $sql\nlast answer: '$answer' $error");
	return 0;
}

# Test that two queries give the same rows, to the last one.
sub same_rows
{
	my ($node, $got, $expected, $name) = @_;
	my $difference = row_difference($node, $got, $expected);

	return is($difference, '', $name);
}

# Rows that only one of two queries gives, up to 20 each; '' if there is none.
sub row_difference
{
	my ($node, $got, $expected) = @_;

	return $node->safe_psql('postgres', <<"END");
WITH got AS MATERIALIZED ($got), expected AS MATERIALIZED ($expected)
(SELECT 'surplus', g::text FROM (TABLE got EXCEPT ALL TABLE expected) g LIMIT 20)
UNION ALL
(SELECT 'missing', e::text FROM (TABLE expected EXCEPT ALL TABLE got) e LIMIT 20)
END
}

package KafkaStream::Broker;

use strict;
use warnings;

use IPC::Run qw(run);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time);

my $topics = 0;

# The broker that make check or make up runs; an own one if there is none.
sub shared
{
	my ($class) = @_;

	return $class->new unless $ENV{KAFKA_BROKERS};
	return bless { brokers => $ENV{KAFKA_BROKERS} }, $class;
}

# A broker of this test's own; stopped when the object goes.
sub new
{
	my ($class) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $self = bless {
		dir => PostgreSQL::Test::Utils::tempdir() . "/kafka$port",
		port => $port,
		brokers => "127.0.0.1:$port"
	}, $class;

	$self->start;
	return $self;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@);

	$self->_script('kill') if $self->{dir};
	return;
}

# 'host:port', for brokers =>
sub brokers { my ($self) = @_; return $self->{brokers}; }

sub _script
{
	my ($self, @arguments) = @_;

	die "the shared broker is not this test's to stop: use KafkaStream::Broker->new"
	  unless $self->{dir};
	my ($command, @rest) = @arguments;
	run([ 'bash', 'test/kafka/broker.sh', $command, $self->{dir}, @rest ], '<', \'')
	  or die "broker.sh $command failed";
	return;
}

sub _signal
{
	my ($self, $signal) = @_;

	kill($signal, PostgreSQL::Test::Utils::slurp_file("$self->{dir}/pid") + 0)
	  or die "cannot signal the broker: $!";
	return;
}

sub start { my ($self) = @_; return $self->_script('start', $self->{port}); }
sub stop { my ($self) = @_; return $self->_script('stop'); }
sub kill9 { my ($self) = @_; return $self->_script('kill'); }

# A black hole: connections stay open, nothing answers.
sub pause { my ($self) = @_; return $self->_signal('STOP'); }

# The controller was paused too: it takes its own broker for dead, and makes it
# leader again a moment later.  Wait until that is over.
sub resume
{
	my ($self) = @_;

	$self->_signal('CONT');
	sleep(1);
	$self->_tool('', 'wait', 30);
	return;
}

sub _tool
{
	my ($self, $stdin, @arguments) = @_;
	my $stdout = '';
	my $stderr = '';

	run([ "$ENV{KS_RUN}/bin/kafka_tool", $self->{brokers}, @arguments ],
		'<', \$stdin, '>', \$stdout, '2>', \$stderr)
	  or die "kafka_tool @arguments: $stderr";
	return $stdout;
}

# Does it answer within so many seconds?
sub answers
{
	my ($self, $seconds) = @_;
	return defined eval { $self->_tool('', 'wait', $seconds) };
}

# Make a topic, with a name of its own that begins with $name; settings as 'name=value'.
sub create_topic
{
	my ($self, $name, $partitions, @settings) = @_;

	$name .= sprintf('-%d-%d', time() * 1000, ++$topics);
	$self->_tool('', 'create', $name, $partitions, @settings);
	return $name;
}

# The same, with exactly this name (to make one again that was deleted).
sub create_exact_topic
{
	my ($self, @arguments) = @_;
	return $self->_tool('', 'create', @arguments);
}

sub delete_topic { my ($self, $topic) = @_; return $self->_tool('', 'delete', $topic); }

# Have more partitions.
sub grow_topic { my ($self, $topic, $n) = @_; return $self->_tool('', 'grow', $topic, $n); }

# Forget records below $offset, as retention does.
sub truncate_topic
{
	my ($self, $topic, $partition, $offset) = @_;
	return $self->_tool('', 'truncate', $topic, $partition, $offset);
}

# Send values (undef: tombstone) to a partition.
sub produce
{
	my ($self, $topic, $partition, @values) = @_;
	return $self->produce_records($topic, map { [ $partition, undef, undef, $_ ] } @values);
}

# Send records: [ partition, timestamp in ms, key, value ], undef where there is none.
sub produce_records
{
	my ($self, $topic, @records) = @_;
	return $self->_tool(join('', map { record_line(@$_) } @records), 'produce', $topic);
}

# Send what a query gives: partition, timestamp in ms, key, value.
sub produce_query
{
	my ($self, $topic, $node, $query) = @_;
	my $records = $node->safe_psql('postgres', "COPY ($query) TO STDOUT");
	return $self->_tool("$records\n", 'produce', $topic) if $records ne '';
	return '';
}

# Lines 'begin', 'commit', 'abort' and record_line(...) by a transactional producer.
sub produce_transactions
{
	my ($self, $topic, $transactional_id, @lines) = @_;
	return $self->_tool(join('', map { /\n\z/ ? $_ : "$_\n" } @lines),
		'produce', $topic, $transactional_id);
}

# A record as kafka_tool reads it.
sub record_line
{
	my (@fields) = @_;
	my %escapes = ("\\" => "\\\\", "\t" => "\\t", "\n" => "\\n", "\r" => "\\r", "\0" => "\\x00");

	for my $field (@fields)
	{
		$field = defined($field) ? $field =~ s/([\\\t\n\r\0])/$escapes{$1}/gr : "\\N";
	}
	return join("\t", @fields) . "\n";
}

# [ low, last stable offset ] of each partition.
sub offsets
{
	my ($self, $topic) = @_;
	return map { [ (split /\t/)[ 1, 2 ] ] } split(/\n/, $self->_tool('', 'offsets', $topic));
}

# Committed records of a topic into a new table (kafka_partition, kafka_offset,
# timestamp_ms, key, value), for the oracle.
sub load_topic
{
	my ($self, $topic, $node, $table) = @_;
	my $records = $self->_tool('', 'consume', $topic);

	$node->safe_psql('postgres', <<"END");
CREATE TABLE $table (kafka_partition int, kafka_offset bigint, timestamp_ms bigint, key text, value text);
COPY $table FROM STDIN;
$records\\.
END
	return;
}

1;
