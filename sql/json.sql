-- Decoding JSON: what each message becomes, or why it is a dead letter.
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SET intervalstyle = 'postgres';
CREATE SCHEMA json_test;
SET search_path = json_test, public;
SET client_min_messages = warning;

CREATE TYPE mood AS ENUM ('happy', 'sad "day"');
CREATE TYPE point3 AS (x int, label varchar(3), at timestamptz);
CREATE TYPE nested AS (name text, points point3[]);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN short AS varchar(3);
CREATE DOMAIN code AS short CHECK (VALUE ~ '^[a-z]+$');
CREATE DOMAIN moment AS timestamptz CHECK (VALUE >= '2000-01-01');
CREATE DOMAIN pair AS int[] CHECK (cardinality(VALUE) = 2);
CREATE DOMAIN right_point AS point3 CHECK ((VALUE).x > 0);
CREATE FUNCTION even(int) RETURNS bool LANGUAGE plpgsql AS
    $$BEGIN IF $1 % 2 <> 0 THEN RAISE 'odd number %', $1; END IF; RETURN 100 / $1 > 0; END$$;
CREATE DOMAIN even_number AS int CHECK (even(VALUE));

CREATE TABLE t (
    event_time timestamptz,
    ok bool,
    n int,
    big bigint,
    f float8,
    num numeric(6, 2),
    s text,
    v varchar(3),
    c char(4),
    b bytea,
    d date,
    ts timestamp,
    tod time,
    "odd ""key" int,
    "ключ" text,
    j jsonb,
    js json,
    a int[],
    p point3,
    e mood,
    dom positive,
    twice int GENERATED ALWAYS AS (n * 2) STORED,
    id int GENERATED ALWAYS AS IDENTITY,
    rest jsonb,
    kafka_partition int,
    kafka_offset bigint);
ALTER TABLE t ADD gone int;
ALTER TABLE t DROP gone;

-- One line for each message: what it becomes, or SQLSTATE, column and error.
CREATE FUNCTION d(message text, options jsonb DEFAULT '{}', relation regclass DEFAULT 't')
RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(decoded::text, sqlstate || ' ' || coalesce('[' || column_name || '] ', '') || error)
    FROM kafka_stream.decode(relation, convert_to(message, 'UTF8'), options)
$$;
CREATE FUNCTION raw(message bytea) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(decoded::text, sqlstate || ' ' || coalesce('[' || column_name || '] ', '') || error)
    FROM kafka_stream.decode('t', message)
$$;

--
-- Keys and columns
--
SELECT d('{"n": 1, "s": "x", "unknown": [1, {"n": 2}]}');
SELECT d('{}');
SELECT d('  { } ');
SELECT d('{"n": null, "s": null, "a": null, "j": null, "js": null, "p": null, "dom": null}');
SELECT d('{"N": 1, "n ": 2, " n": 3}');
SELECT d('{"odd \"key": 5}'), d('{"\u006e": 6}'), d('{"ключ": "да"}'), d('{"\u043a\u043b\u044e\u0447": "\u0434\u0430"}');
SELECT d('{"odd ":1}');
-- the last of several wins, whatever the others are
SELECT d('{"n": 1, "n": 2}'), d('{"n": "bad", "n": 2}'), d('{"n": 2, "\u006e": "bad"}'), d('{"n": 2, "n": null}');
-- generated columns, identities and Kafka's own are not filled
SELECT d('{"n": 1, "twice": 5, "id": 7, "kafka_partition": 3, "kafka_offset": "x"}');
SELECT d('{"n": 1, "twice": 5, "kafka_offset": 9}', '{"rest": "rest"}');

--
-- Option rest
--
SELECT d('{"n": 1, "x": {"y": [1.50, null, "\u00e9"]}, "z": null, "t\tab": true}', '{"rest": "rest"}');
SELECT d('{"n": 1}', '{"rest": "rest"}');
SELECT d('{"rest": 1, "rest": 2}', '{"rest": "rest"}');
SELECT d('{"x": 1, "y": 1, "x": 2}', '{"rest": "rest"}');
SELECT d('{"x": "\u0000"}', '{"rest": "rest"}'), d('{"\ud800": 1}', '{"rest": "rest"}'), d('{"x": 1e999999}', '{"rest": "rest"}');
SELECT d('{"x": "\u0000", "\ud800": 1, "y": 1e999999, "n": 3}');

--
-- Option paths
--
SELECT d('{"meta": {"ts": "2024-01-02T03:04:05Z", "n": 9}, "event_time": "not this"}', '{"paths": {"event_time": "$.meta.ts"}}');
SELECT d('{"a b": [10, {"x": 11}, [12, 13]], "n": 1}', '{"paths": {"n": "$[\"a b\"][0]", "big": "$[''a b''][1].x", "f": "$.\"a b\"[2][1]"}}');
SELECT d('{"meta": {"ts": 0}}', '{"paths": {"event_time": "$.meta.ts", "j": "$.meta", "ts": "$.meta.ts"}}');
SELECT d('{"meta": {"n": 1}, "k": 2}', '{"paths": {"n": "$.meta.n", "big": "$.k"}, "rest": "rest"}');
-- the last of several objects counts as a whole
SELECT d('{"m": {"x": {"n": 1}, "b": 5}, "m": {"b": 2}}', '{"paths": {"n": "$.m.x.n", "big": "$.m.b"}}');
SELECT d('{"m": {"n": 1}, "m": 7}', '{"paths": {"n": "$.m.n"}}');
-- steps that lead nowhere
SELECT d(m, '{"paths": {"n": "$.m[1].n"}}')
FROM unnest(ARRAY['{"m": [1]}', '{"m": {"1": {"n": 2}}}', '{"m": "x"}', '{"m": [0, {"n": 3}]}', '{"m": [0, []]}', '{"m": []}', '{}']) m;
SELECT d('{}', '{"paths": {"nope": "$.a"}}');
SELECT d('{}', '{"paths": {"twice": "$.a"}}');
SELECT d('{}', '{"paths": {"n": "a.b"}}');
SELECT d('{}', '{"paths": {"n": "$"}}');
SELECT d('{}', '{"paths": {"n": "$."}}');
SELECT d('{}', '{"paths": {"n": "$.a[x]"}}');
SELECT d('{}', '{"paths": {"n": "$.a[1"}}');
SELECT d('{}', '{"paths": {"n": "$[0].a"}}');
SELECT d('{}', '{"paths": {"n": "$.a[\"b]"}}');
SELECT d('{}', '{"paths": {"n": "$.a[*]"}}');
SELECT d('{}', '{"paths": {"n": "$.a[99999999999999999999]"}}');
SELECT d('{}', '{"paths": {"n": 1}}');
SELECT d('{}', '{"paths": ["n"]}');
SELECT d('{}', '{"rest": "nope"}');
SELECT d('{}', '{"rest": "s"}');
SELECT d('{}', '{"rest": 1}');
SELECT d('{}', '{"rest": "rest", "paths": {"rest": "$.x"}}');
SELECT d('{}', '{"timestamp_format": "ns"}');
SELECT d('{}', '{"timestamp_format": 1}');
SELECT d('{}', '{"timezone": "Mars/Olympus"}');
SELECT d('{}', '[]');
SELECT d('{"n": 1}', '{"delimiter": ";", "rest": null}');
SELECT * FROM kafka_stream.decode('t', '{}', '{}', 'avro');

--
-- Time
--
SELECT m, d(format('{"event_time": %s}', m))
FROM unnest(ARRAY[
    '1700000000123', '1700000000123.4567', '1.7e12', '17000000001234567E-4', '0', '-0', '-1', '-0.0005', '0.0004999', '0.0005', '5e-10',
    '253402300799999', '9224318015999999.999', '9224318016000000', '-210866803200000', '-210866803200000.001', '1e18', '1e99999999999', '-1e300', '1e-300', '0.00000000000000000000000001', '99999999999999999999999',
    '"2024-02-29T23:59:59Z"', '"2024-02-29 23:59:59.123456789+05:30"', '"2024-02-29T23:59:59.9999996-0800"', '"2024-02-29T23:59:59-08"',
    '"2024-02-29T23:59:59"', '"2024-02-29"', '"2023-02-29T00:00:00Z"', '"2024-13-01T00:00:00Z"', '"2024-01-01T24:00:00Z"', '"2024-01-01T23:59:60Z"', '"2024-01-01T25:00:00Z"',
    '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.999Z"', '"294276-12-31 23:59:59Z"', '"294277-01-01 00:00:00Z"', '"4714-11-24 00:00:00 BC"', '"4715-01-01 BC"',
    '"2024-01-01T00:00:00+15:00"', '"2024-01-01T00:00:00+16:00"', '"2024-01-01T00:00:00.Z"', '"2024-01-01T00:00:00.123456789012Z"', '"2024-01-01T00:00Z"', '"20240101T000000Z"',
    '"01/02/2024"', '"Jan 5 2024 10:00 America/New_York"', '"2024-01-01 10:00 PST"', '" 2024-01-01T10:00:00Z "', '"2024\u002d01-01T10:00:00Z"', '"\u0000"',
    '"infinity"', '"-infinity"', '"epoch"', '"now"', '" NOW "', '"today"', '"Tomorrow 12:00"', '"yesterday"', '"10:00 today"', '"nowhere"', '"1700000000123"', '""', '"soon"',
    'true', '[]', '{}', '{"now": 1}']) WITH ORDINALITY u (m, i)
ORDER BY i;
-- epochs and zones
SELECT d('{"event_time": 1700000000.5, "ts": 1700000000.5, "d": 1700000000}', '{"timestamp_format": "s"}');
SELECT d('{"event_time": 1700000000500000, "ts": 1700000000500000.5, "d": -1}', '{"timestamp_format": "us"}');
SELECT d('{"event_time": 1720000000000, "ts": 1720000000000, "d": 1720040400000}', '{"timestamp_format": "ms", "timezone": "Asia/Tokyo"}');
SELECT d('{"event_time": "2024-07-01T10:00:00", "ts": "2024-07-01T10:00:00Z", "d": "2024-07-01T23:00:00Z"}', '{"timezone": "Europe/Berlin"}');
SELECT d('{"event_time": "2024-03-31 02:30:00"}', '{"timezone": "Europe/Berlin"}'), d('{"event_time": "2024-07-01 10:00"}', '{"timezone": "Europe/Berlin"}'), d('{"event_time": "2024-07-01T10:00:00+00:00"}', '{"timezone": "Europe/Berlin"}');
-- patterns are for timestamps; numbers are text for them, too
SELECT d('{"event_time": "05/Feb/2024:10:11:12", "ts": "06/Feb/2024:00:00:00", "d": "2024-02-07"}', '{"timestamp_format": "DD/Mon/YYYY:HH24:MI:SS"}');
SELECT d('{"event_time": "05/Feb/2024:10:11:12", "ts": "06/Feb/2024:00:00:00"}', '{"timestamp_format": "DD/Mon/YYYY:HH24:MI:SS", "timezone": "Asia/Tokyo"}');
SELECT d('{"event_time": 20240205101112}', '{"timestamp_format": "YYYYMMDDHH24MISS"}');
SELECT d('{"event_time": "now"}', '{"timestamp_format": "DD/Mon/YYYY"}');
-- dates and times
SELECT m, d(format('{"d": %s}', m)), d(format('{"ts": %1$s}', m)), d(format('{"tod": %s}', m))
FROM unnest(ARRAY['"2024-02-29"', '"2023-02-29"', '86400000', '-1', '"now"', '"today"', '"infinity"', '"10:20:30.5"', '"2024-02-29T10:20:30.5+09"', '"allballs"', '1e30', 'true']) WITH ORDINALITY u (m, i)
ORDER BY i;
-- the session's settings do not matter
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SELECT extract(epoch FROM (decoded->>'event_time')::timestamptz) AS epoch, decoded->>'d' AS d, decoded->>'ts' AS ts
FROM kafka_stream.decode('t', '{"event_time": "02/01/2024 10:00", "d": "02/01/2024", "ts": "02/01/2024 10:00"}');
SHOW timezone;
SHOW datestyle;
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
-- precision, and times inside of others
CREATE TABLE times (
    t0 timestamptz(0), ts3 timestamp(3), d date, tz timetz, iv interval, r tstzrange, mr datemultirange,
    ats timestamptz[], m moment, p point3, ps point3[], n nested);
SELECT m, d(m, '{}', 'times') FROM unnest(ARRAY[
    '{"t0": 1700000000500, "ts3": "2024-01-01T00:00:00.0006"}',
    '{"t0": "2024-01-01T00:00:00.5Z", "ts3": "2024-01-01 00:00:00.9996"}',
    '{"m": 1700000000000}', '{"m": 0}', '{"m": "now"}', '{"m": "1999-12-31"}',
    '{"tz": "10:00"}', '{"tz": "now"}', '{"iv": "1 day 02:00"}', '{"iv": "now"}', '{"iv": "P1DT2H"}',
    '{"r": "[2024-01-01,2024-01-02)"}', '{"r": "[2024-01-01,tomorrow)"}', '{"r": "[2024-01-02,2024-01-01)"}', '{"mr": "{[2024-01-01,today]}"}',
    '{"ats": ["2024-01-01", null, "2024-01-01T00:00:00+01"]}', '{"ats": [["2024-01-01"], ["today"]]}', '{"ats": "{2024-01-01,now}"}', '{"ats": [1700000000000]}',
    '{"p": {"x": 1, "label": "now", "at": "2024-01-01"}}', '{"p": {"at": "now"}}', '{"p": "(1,abc,2024-01-01)"}', '{"p": "(1,abc,now)"}',
    '{"ps": [{"at": "2024-01-01"}, {"at": "yesterday"}]}', '{"n": {"name": "today", "points": [{"at": "2024-01-01"}]}}', '{"n": {"points": [{"at": "today"}]}}']) WITH ORDINALITY u (m, i)
ORDER BY i;

--
-- Other types
--
SELECT m, d(format('{"n": %s}', m)) FROM unnest(ARRAY[
    '2147483647', '2147483648', '-2147483648', '-2147483649', '99999999999999999999', '12.0', '1e2', '1.5e1', '15e-1', '-0', '"12"', '" 12 "', '"-0012"', '"12.0"', '"1e2"', '""', '"\u0031"', '"x"', 'true', '[1]', '{"a": 1}']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT m, d(format('{"big": %s}', m)) FROM unnest(ARRAY[
    '9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '"9223372036854775807"', '999999999999999999', '1234567890123456789']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT m, d(format('{"f": %s}', m)) FROM unnest(ARRAY[
    '0.1', '-0.0', '1e20', '123456789012345678', '9007199254740993', '0.30000000000000004', '"NaN"', '"-Infinity"', '"1e-400"', '" 1.5 "']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT m, d(format('{"num": %s}', m)) FROM unnest(ARRAY[
    '1234.5', '1234.565', '9999.994', '9999.995', '12345', '0012', '-9999.99', '1e3', '"NaN"', '"12.345"', '0.000000000000000000000001', '1e-999999', '1e999999']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT m, d(format('{"s": %s}', m)), d(format('{"v": %s}', m)) FROM unnest(ARRAY[
    '"abc"', '""', '"abcd"', '"ab  "', '"abc  "', '"äöü"', '"\u00e4\ud83d\ude00\n"', '12', '1e2', '-0', '1.50', 'true', '[1,  "a"]', '{"b": 1, "a": [], "b": 2}', '"\u0000"', '"\ud800"', '"\udc00x"', '"\ud800\u0041"', '"\"\\\/\b\f\n\r\t"']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT m, d(format('{"ok": %s}', m)) FROM unnest(ARRAY['true', 'false', '1', '0', '2', '"yes"', '" F "', '"maybe"', '1.0', '1e0', '""', '[]']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT m, d(format('{"j": %s}', m)), d(format('{"js": %1$s}', m)) FROM unnest(ARRAY[
    '1', '1.50e1', '"x"', 'false', '[]', '{}', '[1, [2, {"b": null, "a": "\u00e9"}]]', '{"a": "\u0000"}', '["\udead"]', '{"a": 1e200000}']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT m, d(format('{"a": %s}', m)) FROM unnest(ARRAY['[1, "2", null]', '[[1, 2], [3, 4]]', '[[1], [2, 3]]', '[]', '"{1,2}"', '1', '{}', '["x"]', '[3000000000]']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT m, d(format('{"p": %s}', m)) FROM unnest(ARRAY['{"x": 1, "label": "abc", "no": 1}', '{"x": "y"}', '{"label": "abcd"}', '{}', '[]', '1', '"(5,,)"']) WITH ORDINALITY u (m, i)
ORDER BY i;
SELECT d('{"e": "happy"}'), d('{"e": "sad \"day\""}'), d('{"e": "glad"}'), d('{"e": 1}'), d(format('{"e": "%s"}', repeat('x', 70)));
SELECT d('{"dom": 1}'), d('{"dom": 0}'), d('{"dom": "x"}');
CREATE TABLE domains (c code, pr pair, rp right_point, ev even_number);
SELECT m, d(m, '{}', 'domains') FROM unnest(ARRAY[
    '{"c": "abc"}', '{"c": "abcd"}', '{"c": "AB"}', '{"c": 1}', '{"pr": [1, 2]}', '{"pr": [1]}', '{"pr": "{3,4}"}', '{"rp": {"x": 1}}', '{"rp": {"x": -1}}', '{"rp": "(2,,)"}',
    '{"ev": 2}', '{"ev": 3}', '{"ev": 0}', '{"ev": 2, "pr": [1]}']) WITH ORDINALITY u (m, i)
ORDER BY i;
-- broken code of a user is no fault of the message
CREATE FUNCTION broken(int) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RETURN no_such_function($1); END$$;
CREATE DOMAIN broken_number AS int CHECK (broken(VALUE));
CREATE TABLE broken_table (n broken_number);
SELECT d('{"n": 1}', '{}', 'broken_table');
-- what cannot be read is, whatever the type calls it
CREATE TABLE others (q tsquery, v tsvector, r regclass, p jsonpath, m money, g point, x bit(3), l pg_lsn, i inet, u uuid, nm name);
SELECT m, d(m, '{}', 'others') FROM unnest(ARRAY[
    '{"q": "a & b"}', '{"q": "a b"}', '{"v": "a:1 b"}', '{"r": "pg_class"}', '{"r": "no_such_table"}', '{"p": "$.a"}', '{"p": "$.["}', '{"m": 12.5}', '{"g": "(1,2)"}', '{"g": [1, 2]}', '{"x": "101"}', '{"x": 1}', '{"l": "0/16"}',
    '{"i": "10.1.2.3"}', '{"i": "10.1.2.03"}', '{"i": "10.1.2.256"}', '{"i": "10.1.2.0/24"}', '{"i": "::1"}', '{"i": "10.1.2"}',
    '{"u": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}', '{"u": "{a0eebc999c0b4ef8bb6d6bb9bd380a11}"}', '{"u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"}', '{"u": "a0eebc99-9c0b-4ef8-bb6d+6bb9bd380a11"}', '{"nm": "abc"}']) WITH ORDINALITY u (m, i)
ORDER BY i;

--
-- What is not JSON
--
SELECT m, raw(m::bytea) FROM unnest(ARRAY[
    '', ' ', 'x', '[]', '1', '"n"', 'null', '{', '{"n"', '{"n":', '{"n":1', '{"n":1,', '{"n":1,}', '{"n" 1}', '{n:1}', '{,}', '{"n":1}}', '{"n":1} x', '{"n":1}{"n":2}', '{"n":1 "s":2}',
    '{"x":01}', '{"x":1.}', '{"x":.5}', '{"x":-}', '{"x":+1}', '{"x":1e}', '{"x":1e+}', '{"x":0x1}', '{"x":NaN}', '{"x":tru}', '{"x":truex}', '{"x":tr', '{"x":True}', '{"x":nul1}',
    '{"x":"', '{"x":"\\', '{"x":"\\u12', '{"x":"\\u12G4"}', '{"x":"\\x"}', '{"x":"\\é"}', E'{"x":"\t"}', E'{"x":"a\nb"}', '{"x":[1,]}', '{"x":[1 2]}', '{"x":[,1]}', '{"x":[1}', '{"x":{"a"}}', '{"x":{"a":1,}}', '{"x":{1:2}}', '{"x":[', '{"x":[{"a":[', '{''n'':1}', '{"n":1/**/}']) WITH ORDINALITY u (m, i)
ORDER BY i;
-- encodings
SELECT raw('\xefbbbf7b7d'), raw('\x7b226e223a317d00'), raw('\x7b2278223a2261006222 7d');
SELECT raw('\x7b2273223a22c3a4227d'), raw('\x7b2273223a22c322 7d'), raw('\x7b2278223a22c0af227d'), raw('\x7b2278223a22eda080227d'), raw('\x7b2278223a22f4908080227d'), raw('\x7b22ff223a317d'), raw('\x7b2278223aff7d');
-- sizes: deep and long
SELECT d('{"n": 7, "x": ' || repeat('[', 1023) || repeat(']', 1023) || '}');
SELECT d('{"n": 7, "x": ' || repeat('[', 1024) || repeat(']', 1024) || '}');
SELECT d('{"x": ' || repeat('[', 5000000)), d('{"x": ' || repeat('{"a":', 2000000));
SELECT d('{"x": [' || repeat('[[],{}],', 1000000) || '1], "n": 1}');
SELECT length(decoded::text), decoded->'j' = (repeat('[', 1023) || repeat(']', 1023))::jsonb
FROM kafka_stream.decode('t', convert_to('{"j": ' || repeat('[', 1023) || repeat(']', 1023) || '}', 'UTF8'));
SELECT length(decoded->>'s'), md5(decoded->>'s') = md5(repeat('0123456789', 1000000))
FROM kafka_stream.decode('t', convert_to('{"s": "' || repeat('0123456789', 1000000) || '"}', 'UTF8'));
SELECT length(decoded->>'s'), jsonb_array_length(decoded->'j'), jsonb_array_length(decoded->'a')
FROM kafka_stream.decode('t', convert_to('{"s": "' || repeat('\n', 5000000) || '", "j": [' || repeat('1,', 1000000) || '2], "a": [' || repeat('1,', 300000) || '2]}', 'UTF8'));
SELECT left(d('{"n": ' || repeat('9', 1000000) || '}'), 60), length(d('{"rest": {"x": ' || repeat('9', 100000) || '}}', '{"rest": "rest"}'));

SELECT length(d('{"n": "' || repeat('é', 100000) || '"}'));
SELECT d('{' || repeat('"x":1,', 1000001) || '"n":1}', '{"rest": "rest"}');

--
-- The same as jsonb_populate_record, for all types and all kinds of values
--
CREATE TABLE every (
    c_bool bool, c_int2 int2, c_int4 int4, c_int8 int8, c_float4 float4, c_float8 float8,
    c_numeric numeric, c_numeric62 numeric(6, 2), c_numeric3 numeric(3, -2), c_numeric25 numeric(2, 5),
    c_text text, c_varchar varchar, c_varchar3 varchar(3), c_char char, c_char4 char(4), c_cchar "char", c_name name,
    c_bytea bytea, c_uuid uuid, c_inet inet, c_cidr cidr, c_macaddr macaddr, c_macaddr8 macaddr8,
    c_date date, c_time time, c_time0 time(0), c_timetz timetz, c_timestamp timestamp, c_timestamp3 timestamp(3),
    c_timestamptz timestamptz, c_timestamptz0 timestamptz(0), c_interval interval, c_intervalh interval hour,
    c_bit bit(3), c_varbit varbit(5), c_json json, c_jsonb jsonb, c_oid oid, c_money money, c_point point, c_box box,
    c_tsvector tsvector, c_tsquery tsquery, c_jsonpath jsonpath, c_lsn pg_lsn, c_regtype regtype,
    c_int4range int4range, c_tstzrange tstzrange, c_multi int4multirange, c_int2vector int2vector,
    c_ints int[], c_texts text[], c_varchars varchar(2)[], c_numerics numeric(4, 1)[], c_times timestamptz[], c_jsonbs jsonb[],
    c_mood mood, c_moods mood[], c_point3 point3, c_points point3[], c_nested nested,
    c_positive positive, c_positives positive[], c_short short, c_code code, c_moment moment, c_pair pair, c_right right_point);
CREATE TABLE literals (id int GENERATED ALWAYS AS IDENTITY, json text);
INSERT INTO literals (json) SELECT unnest(ARRAY[
    'null', 'true', 'false', '0', '1', '-1', '-0', '-0.0', '12', '127', '128', '32767', '32768', '-32768', '-32769', '2147483647', '2147483648', '4294967295', '4294967296',
    '9223372036854775807', '9223372036854775808', '-9223372036854775808', '1.5', '0.1', '12.0', '12.34', '12.345', '0.00012', '1234.56', '9999.995', '99999', '99949', '99950', '0.30000000000000004', '16777217', '3.4028236e38', '1e39', '1e-46', '123456.7890625', '8388608.5',
    '1e2', '1E+2', '1.5e1', '1e-2', '-1e0', '0e0', '0e5', '-0e1', '1e308', '1e309', '1e-400', '1e-5', '1.10', '100000000000000000000.5', '12345678901234567890123456789012345678901234567890', '0.0000000000000000000000000000000000000000000001',
    '""', '" "', '"x"', '"abc"', '"abcd"', '"abc  "', '"1"', '" 1 "', '"12"', '"-5"', '"1.5"', '"1e2"', '"-0"', '"0x1F"', '"1_000"', '"NaN"', '"Infinity"', '"-inf"', '"t"', '"off"', '"101"', '"\\x00ff"', '"\\\\x00ff"', '"\\101"', '"\u00e9\u00e8\u00ea"', '"\ud83d\ude00"', '"tab\there"', '"\u0000"',
    '"happy"', '"sad \"day\""', '"2024-02-29"', '"2023-02-29"', '"2024-02-29T12:34:56.789Z"', '"2024-02-29 12:34:56.7895+03:30"', '"2024-02-29T12:34:56.999999999"', '"1900-01-01T00:00:00Z"', '"12:34:56.5"', '"12:34"', '"24:00"', '"1 day 2 hours"', '"P1Y"', '"infinity"', '"-infinity"', '"epoch"', '"allballs"', '"01/02/2024"', '"Feb 3 2024 BC"', '"2024-060"',
    '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', '"A0EEBC999C0B4EF8BB6D6BB9BD380A11"', '"10.0.0.1"', '"10.0.0.1/8"', '"10.0.0.0/8"', '"10.0.0.01"', '"1.2.3.4.5"', '"fe80::1"', '"08:00:2b:01:02:03"', '"08:00:2b:01:02:03:04:05"',
    '"(1,2)"', '"((1,2),(3,4))"', '"a & b"', '"a b"', '"$.a[*]"', '"1/2"', '"integer"', '"nosuch"', '"[1,5)"', '"(,)"', '"empty"', '"{[1,2],[4,5)}"', '"1 2 3"', '"{1,2}"', '"{a,\"b c\"}"', '"{{1,2},{3,4}}"', '"(1,ab,2024-01-01)"', '"[2024-01-01,2024-02-01]"', '"$12.50"',
    '[]', '[1]', '[1, 2]', '[1,"2",null]', '[[1,2],[3,4]]', '[[1],[2,3]]', '[[[]]]', '["a","b c","\u00e9"]', '[true]', '["2024-01-01"]', '[{"x":1},{"x":2,"label":"ab"}]', '["(1,ab,)", null]', '["happy"]', '[1.25, 1e1, 1000]', '[{"a":[1]}, 2]', '["abc"]', '[0]', '["\u0000"]',
    '{}', '{"x":1}', '{"x":"1","label":"abc","at":"2024-01-01T00:00:00Z"}', '{"x":1.0}', '{"label":"abcd"}', '{"x":-1}', '{"name":"n","points":[{"x":1},{"x":null}]}', '{"b":1,"a":{"c":[1,2.50,{"d":"e\u00e9"}]},"b":2}', '{"name":[1,{"q":1}],"points":null}', '{"points":{"x":1}}']);

-- Each literal in each column: what core gives, or its SQLSTATE.
CREATE TABLE expected (id int, col name, result jsonb, sqlstate text);
DO $$
DECLARE
    l literals;
    c name;
    r jsonb;
BEGIN
    FOR l IN SELECT * FROM literals ORDER BY id LOOP
        FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'every'::regclass AND attnum > 0 ORDER BY attnum LOOP
            BEGIN
                r := to_jsonb(jsonb_populate_record(NULL::every, format('{"%s": %s}', c, l.json)::jsonb)) -> c;
                INSERT INTO expected VALUES (l.id, c, nullif(r, 'null'), NULL);
            EXCEPTION WHEN OTHERS THEN
                INSERT INTO expected VALUES (l.id, c, NULL, SQLSTATE);
            END;
        END LOOP;
    END LOOP;
END
$$;
SELECT count(*) > 10000 AS enough, count(result) > 2000 AS good, count(sqlstate) > 4000 AS bad FROM expected;
-- Only numbers for timestamps and dates differ: epochs.
SELECT e.col, l.json, e.result, e.sqlstate, x.decoded, x.sqlstate, x.error
FROM expected e JOIN literals l USING (id),
    LATERAL kafka_stream.decode('every', convert_to(format('{"%s": %s}', e.col, l.json), 'UTF8')) x
WHERE (e.result IS DISTINCT FROM nullif(x.decoded -> e.col::text, 'null') OR e.sqlstate IS DISTINCT FROM x.sqlstate
       OR x.column_name IS DISTINCT FROM CASE WHEN x.sqlstate IS NOT NULL THEN e.col::text END)
    AND NOT (e.col ~ '^c_(date|timestamp|moment)' AND l.json ~ '^[-0-9]')
ORDER BY e.id, e.col;

-- Whole documents: keys in any order, some missing, some twice, odd spacing,
-- all read by one decoder.
CREATE FUNCTION pick(seed text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
    $$SELECT (('x' || substr(md5(seed), 1, 7))::bit(28)::int % n)$$;
CREATE TABLE good AS
    SELECT row_number() OVER (ORDER BY col, id) - 1 AS row, col, id FROM expected JOIN literals l USING (id)
    WHERE sqlstate IS NULL AND NOT (col ~ '^c_(date|timestamp|moment)' AND l.json ~ '^[-0-9]');
CREATE UNIQUE INDEX ON good (row);
ANALYZE good;
CREATE FUNCTION document(seed int) RETURNS text LANGUAGE sql AS $$
    SELECT '{' || string_agg(
        (ARRAY['', ' ', E'\n\t'])[1 + pick('s' || seed || k, 3)] ||
        CASE pick('e' || seed || k, 10) WHEN 0 THEN '"\u0063' || substr(col, 2) || '"' ELSE '"' || col || '"' END ||
        (ARRAY[':', ' : ', ': '])[1 + pick('t' || seed || k, 3)] || json, ',' ORDER BY k)
        || CASE WHEN seed % 3 = 0 THEN ', "unknown": {"c_text": [1, "}"]}' ELSE '' END || '}'
    FROM (SELECT k, e.col, l.json
          FROM generate_series(1, 5 + pick('n' || seed, 40)) k,
              LATERAL (SELECT col, id FROM good WHERE row = pick('r' || seed || '/' || k, (SELECT count(*)::int FROM good))) e
              JOIN literals l USING (id)) u
$$;
CREATE TABLE documents AS SELECT i, document(i) AS doc FROM generate_series(1, 500) i;
SELECT count(*) AS documents, count(*) FILTER (WHERE length(doc) > 100) > 300 AS long FROM documents;
SELECT i, doc, x.*
FROM documents, LATERAL kafka_stream.decode('every', convert_to(doc, 'UTF8')) x
WHERE jsonb_strip_nulls(to_jsonb(jsonb_populate_record(NULL::every, doc::jsonb))) IS DISTINCT FROM jsonb_strip_nulls(x.decoded)
ORDER BY i LIMIT 5;

--
-- Mutations: whatever comes, the message as a whole is refused if and only if
-- PostgreSQL's json refuses it or it is no object; and what becomes of an
-- accepted one is what core makes of it.
--
CREATE TABLE small (n int, s text, f float8, ok bool, j jsonb, a int[]);
CREATE TABLE seeds AS SELECT row_number() OVER () - 1 AS i, convert_to(m, 'UTF8') AS m FROM unnest(ARRAY[
    '{"n": 12, "s": "abc", "f": 1.5e3, "ok": true, "j": {"a": [1, null]}, "a": [1, 2]}',
    '{"s":"\u00e9\ud83d\ude00 é😀","n":-5,"x":{"y":[{},[],"\"\\"]},"ok":false}',
    '{"a":[[1,2],[3,4]],"j":"\n","f":-0.25,"n":null,"zz":[true,false,null,1E-2]}',
    '{"n":"7","n":8,"s":{"k":"v"},"j":[],"f":"2.5"}']) m;
CREATE FUNCTION mutate(message bytea, seed text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    at int;
    tokens bytea[] := ARRAY['{', '}', '[', ']', '"', '\\', ',', ':', '0', '1', '-', '.', 'e', ' ', 'null', '\x00', '\x1f', '\x80', '\xc3', '\xff', 'u', '\x5c7530303030', '\x5c7564383030', '"n":', 'a', '7', ' ', '9', 'x', '\x0a'];
BEGIN
    FOR i IN 1 .. 1 + pick('n' || seed, 6) / 4 LOOP
        at := 1 + pick(seed || 'p' || i, greatest(length(message), 1));
        CASE least(pick(seed || 'k' || i, 9), 4)
            WHEN 0 THEN message := overlay(message PLACING '' FROM at FOR 1);
            WHEN 1 THEN message := overlay(message PLACING tokens[1 + pick(seed || 't' || i, 30)] FROM at FOR 1);
            WHEN 2 THEN message := overlay(message PLACING tokens[1 + pick(seed || 't' || i, 30)] FROM at FOR 0);
            WHEN 3 THEN message := overlay(message PLACING substring(message FROM 1 + pick(seed || 'f' || i, length(message) + 1) FOR pick(seed || 'l' || i, 20)) FROM at FOR 0);
            ELSE message := overlay(message PLACING tokens[25 + pick(seed || 't' || i, 6)] FROM at FOR 1);
        END CASE;
    END LOOP;
    RETURN message;
END
$$;
CREATE TABLE mutants AS
    SELECT g.i, mutate(m, 'seed ' || g.i) AS m FROM generate_series(1, 8000) g (i) JOIN seeds s ON s.i = g.i % 4;
-- What core thinks of one: is it a json object, and what becomes of it?
CREATE FUNCTION core(message bytea, OUT valid bool, OUT result jsonb) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        valid := json_typeof(convert_from(message, 'UTF8')::json) = 'object';
    EXCEPTION WHEN OTHERS THEN valid := false;
    END;
    BEGIN
        result := to_jsonb(jsonb_populate_record(NULL::small, convert_from(message, 'UTF8')::jsonb));
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
END
$$;
CREATE TABLE judged AS
    SELECT i, m, x.*, c.* FROM mutants, LATERAL kafka_stream.decode('small', m) x, LATERAL core(m) c;
SELECT count(*), count(*) FILTER (WHERE valid) > 1000 AS valid, count(*) FILTER (WHERE NOT valid) > 4000 AS invalid,
    count(decoded) > 1000 AS decoded, count(column_name) > 50 AS blamed FROM judged;
SELECT i, encode(m, 'escape'), decoded, sqlstate, error, column_name, valid
FROM judged WHERE valid IS DISTINCT FROM (decoded IS NOT NULL OR column_name IS NOT NULL)
ORDER BY i LIMIT 5;
SELECT i, encode(m, 'escape'), decoded, sqlstate, error, result
FROM judged WHERE result IS NOT NULL AND jsonb_strip_nulls(result) IS DISTINCT FROM jsonb_strip_nulls(decoded)
ORDER BY i LIMIT 5;

DROP SCHEMA json_test CASCADE;
