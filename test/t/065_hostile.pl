# Section 6: whatever a user wrote runs as that user, in a security-restricted
# operation.  Somebody who may create streams and views, and nothing else, tries
# to become the worker's superuser: by functions in views, defaults, generated
# columns, checks, index expressions, domains, triggers, shadowed operators.
use strict;
use warnings;

use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;

my $broker = KafkaStream::Broker->shared;
my $brokers = $broker->brokers;
my $node = new_node('hostile');
my $topic = $broker->create_topic('hostile', 1);
my $n = 0;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sub as_mallory { my ($sql) = @_; return $node->safe_psql('postgres', $sql, extra_params => [ '-U', 'mallory' ]); }

sub produce
{
	$broker->produce($topic, 0, map { $n++; sprintf('{"event_time": "2026-03-01T%02d:%02d:00Z", "n": %d, "x": %d}', $n / 60, $n % 60, $n, $n) } 1 .. 10);
	return;
}

sub flush { my ($name) = @_; return sql("SELECT kafka_stream.flush('$name')"); }

sql(<<'END');
CREATE ROLE mallory LOGIN;
CREATE TABLE public.secret (x int);
INSERT INTO secret VALUES (42);
CREATE SCHEMA evil AUTHORIZATION mallory;
GRANT USAGE ON FOREIGN DATA WRAPPER kafka_stream TO mallory;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA kafka_stream TO mallory;
END
append_hba();

# Connections as mallory by the socket.
sub append_hba
{
	PostgreSQL::Test::Utils::append_to_file($node->data_dir . '/pg_hba.conf', "local all mallory trust\n");
	$node->reload;
	return;
}

# Functions that try, say in the log who they run as, and swallow the error.
as_mallory(<<'END');
CREATE FUNCTION evil.try(what text, command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RAISE LOG 'HOSTILE % succeeded as %', what, current_user;
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'HOSTILE % failed as %: %', what, current_user, SQLERRM;
END $$;
CREATE FUNCTION evil.attack(place text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM evil.try(place || ' alter role', 'ALTER ROLE mallory SUPERUSER');
    PERFORM evil.try(place || ' reset role', 'RESET ROLE');
    PERFORM evil.try(place || ' set role', 'SET ROLE pg_execute_server_program');
    PERFORM evil.try(place || ' session authorization', 'RESET SESSION AUTHORIZATION');
    PERFORM evil.try(place || ' secret', 'SELECT * FROM public.secret');
    PERFORM evil.try(place || ' offsets', 'UPDATE kafka_stream_internal.partition SET next_offset = 0');
    PERFORM evil.try(place || ' file', 'SELECT pg_read_file(''PG_VERSION'')');
    PERFORM evil.try(place || ' grant', 'GRANT pg_read_server_files TO mallory');
    PERFORM evil.try(place || ' temp table', 'CREATE TEMP TABLE pg_class (x int)');
    PERFORM evil.try(place || ' listen', 'LISTEN hostile');
END $$;
-- planned, not executed, when the view is created: a lie about volatility
CREATE FUNCTION evil.in_view(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM evil.attack('view'); RETURN n; END $$;
CREATE FUNCTION evil.in_default() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack('default'); RETURN 7; END $$;
CREATE FUNCTION evil.in_generated(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('generated'); RETURN n; END $$;
CREATE FUNCTION evil.in_check(n int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('check'); RETURN true; END $$;
CREATE FUNCTION evil.in_index(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('index'); RETURN n; END $$;
CREATE FUNCTION evil.in_close(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('close'); RETURN n; END $$;
CREATE FUNCTION evil.in_domain(n int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('domain'); RETURN true; END $$;
CREATE DOMAIN evil.number AS int CHECK (evil.in_domain(VALUE));
CREATE FUNCTION evil.in_aggregate(state bigint, n int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('aggregate'); RETURN coalesce(state, 0) + coalesce(n, 0); END $$;
CREATE FUNCTION evil.in_combine(a bigint, b bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('combine'); RETURN coalesce(a, 0) + coalesce(b, 0); END $$;
CREATE AGGREGATE evil.total(int) (SFUNC = evil.in_aggregate, STYPE = bigint, COMBINEFUNC = evil.in_combine, PARALLEL = SAFE);
-- shadows of what generated SQL could call without a schema
CREATE FUNCTION evil.equal(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('operator'); RETURN true; END $$;
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.equal);
CREATE OPERATOR evil.< (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.equal);
CREATE FUNCTION evil.max(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('max'); RETURN 1; END $$;
CREATE FUNCTION evil.trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack('trigger'); RETURN NULL; END $$;
END
sql('GRANT CREATE ON SCHEMA public TO mallory');
sql("ALTER DATABASE postgres SET search_path = evil, public, pg_catalog");

as_mallory(<<"END");
SET search_path = evil, public, pg_catalog;
SELECT kafka_stream.create_stream('public.s',
    'event_time timestamptz, n int CHECK (evil.in_check(n)), d int DEFAULT evil.in_default(), g int GENERATED ALWAYS AS (evil.in_generated(n)) STORED, x evil.number',
    topic => '$topic', brokers => '$brokers', idle_timeout => NULL, watermark_delay => '0', retention => '1 hour',
    late_retention => '1 minute');
END
# segments are in a schema where only a superuser may create: hers all the same
sql('CREATE INDEX ON public.s (evil.in_index(n))');
# a joined table of hers with triggers that are put off to the end of a transaction
as_mallory(<<'END');
CREATE TABLE evil.joined (n int, name text);
INSERT INTO evil.joined SELECT i, 'name' || i FROM generate_series(1, 100) i;
CREATE CONSTRAINT TRIGGER put_off AFTER INSERT OR UPDATE OR DELETE ON evil.joined DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION evil.trigger();
END
my ($result, $stdout, $stderr);
as_mallory(<<'END');
SELECT kafka_stream.create_view('public.v', 'SELECT tumble(event_time, ''1 minute''), evil.in_close(count(*)) AS c, sum(evil.in_view(n)) AS s FROM public.s GROUP BY 1');
SELECT kafka_stream.create_view('public.a', 'SELECT evil.total(n) AS total, count(*) FROM public.s');
SELECT kafka_stream.create_view('public.j', 'SELECT j.name, count(*) FROM public.s JOIN evil.joined j ON j.n OPERATOR(pg_catalog.=) s.n GROUP BY j.name');
END
# tables of hers that the worker itself writes to, or reads
for my $table ('public.s_late')
{
	for my $trigger ('ROW', 'STATEMENT')
	{
		($result, $stdout, $stderr) = $node->psql('postgres',
			"CREATE TRIGGER t_$trigger AFTER INSERT OR DELETE ON $table FOR EACH $trigger EXECUTE FUNCTION evil.trigger()",
			extra_params => [ '-U', 'mallory' ]);
		note "trigger on $table: " . ($stderr || 'created');
	}
}

produce();
flush('s');
is(sql('SELECT count FROM public.a'), 10, 'rows come through');
produce();
flush('s');
is(sql('SELECT count FROM public.a'), 20, 'more rows come through');
# a late row, for the triggers of the table of late rows
$broker->produce($topic, 0, '{"event_time": "2026-02-28T00:00:00Z", "n": 5}');
flush('s');
is(sql('SELECT count(*) FROM public.s_late'), 1, 'a late row');

# the superuser reads and drops what is hers
$node->psql('postgres', 'SELECT * FROM public.v; SELECT * FROM public.a; SELECT * FROM public.j; SELECT * FROM public.s_late');
as_mallory('SELECT * FROM public.v');

# ---- what came of it ----

is(sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'mallory is no superuser');
is(sql("SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE rolname = 'mallory'"), 0, 'and is member of no role');
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
my @worker = grep { !/hostile\.pl/ } ($log =~ /^(.*LOG:  HOSTILE.*)$/mg);
for my $place ('view', 'default', 'generated', 'check', 'index', 'close', 'domain', 'aggregate')
{
	ok(scalar(grep { /HOSTILE $place / } @worker), "the attack in '$place' ran in a worker");
}
my @as_other = grep { !/ as mallory/ } @worker;
is(scalar(@as_other), 0, 'and as nobody but mallory') or diag(join("\n", @as_other[0 .. 4]));
my @succeeded = grep { / succeeded as / && !/ (reset role|listen) succeeded/ } @worker;
is(scalar(@succeeded), 0, 'nothing that was tried succeeded') or diag(join("\n", @succeeded[0 .. 9]));
is(scalar(grep { /reset role succeeded/ } @worker), 0, 'not even RESET ROLE');
is(scalar(grep { /HOSTILE (operator|max) / } @worker), 0, 'shadowed operators and functions are not called by the worker');
unlike($log, qr/terminated by signal|PANIC/, 'no process crashed');
is(sql("SELECT state FROM kafka_stream.streams WHERE stream = 'public.s'::regclass"), 'running', 'the stream runs');

# ---- a view that harms its own stream at most ----

as_mallory(<<'END');
CREATE FUNCTION evil.recurse(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN evil.recurse(n + 1); END $$;
SELECT kafka_stream.create_view('public.deep', 'SELECT sum(evil.recurse(n)) FROM public.s', backfill => 'none');
END
produce();
ok(wait_for($node, "SELECT state <> 'running' OR (SELECT sum(dead_letters) FROM kafka_stream.stats WHERE view = 'public.deep'::regclass) > 0 FROM kafka_stream.streams WHERE stream = 'public.s'::regclass"),
	'endless recursion ends in an error');
as_mallory("SELECT kafka_stream.drop_view('public.deep')");
as_mallory("SELECT kafka_stream.start_stream('public.s')");
flush('s');
is(sql('SELECT count FROM public.a'), 31, 'and the stream is exact when the view is gone');

as_mallory(<<'END');
CREATE FUNCTION evil.quit(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN n; END $$;
END
($result, $stdout, $stderr) = $node->psql('postgres',
	"SELECT kafka_stream.create_view('public.quit', 'SELECT sum(evil.quit(n)) FROM public.s', backfill => 'none')",
	extra_params => [ '-U', 'mallory' ]);
produce();
select(undef, undef, undef, 1);
$node->psql('postgres', "SELECT kafka_stream.drop_view('public.quit')");
ok(wait_for($node, q(SELECT state FROM kafka_stream.streams WHERE stream = 'public.s'::regclass), 'running'), 'a view that ends its worker is survived');
flush('s');
is(sql('SELECT count FROM public.a'), 41, 'and the stream is exact');

# ---- the definition in the hands of somebody else ----

($result, $stdout, $stderr) = $node->psql('postgres', 'UPDATE kafka_stream_internal.stream SET brokers = brokers', extra_params => [ '-U', 'mallory' ]);
like($stderr, qr/permission denied/, 'the catalog of streams is not for users to write');
($result, $stdout, $stderr) = $node->psql('postgres', 'CREATE TABLE kafka_stream_internal.x (y int)', extra_params => [ '-U', 'mallory' ]);
like($stderr, qr/permission denied/, 'nor is its schema');
my @states = split /\n/, sql('SELECT states FROM kafka_stream_internal.view WHERE states IS NOT NULL UNION ALL SELECT finals FROM kafka_stream_internal.view WHERE finals IS NOT NULL');
my @denied = grep { $node->psql('postgres', "INSERT INTO $_ DEFAULT VALUES", extra_params => [ '-U', 'mallory' ], stderr => \$stderr); $stderr =~ /permission denied/ } @states;
is("@denied", "@states", 'states and final windows are not for view owners to write');
cmp_ok(scalar(@states), '>=', 4, 'all of them');
sql("SELECT kafka_stream.drop_stream('public.s', cascade => true)");
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no process crashed');

done_testing();
