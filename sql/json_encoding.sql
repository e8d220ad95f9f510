-- JSON is UTF-8, and databases need not be.
CREATE DATABASE json_latin1 ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C';
CREATE DATABASE json_sql_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C';
\set messages '(VALUES (1, \'\\x7b2273223a22636166c3a9227d\'::bytea), (2, \'{"s": "caf\\\\u00e9", "n": 1}\'), (3, \'\\x7b2273223a22e282ac227d\'), (4, \'{"s": "\\\\u20ac"}\'), (5, \'\\x7b2273223a22636166e9227d\'), (6, \'\\x7b2273223a22610062227d\'), (7, \'{"s": "abc"}\'), (8, \'{"n": "\\\\u0078"}\'), (9, \'{"a": ["\\\\u00e9", 1]}\'), (10, \'{"n": 2, "x": "\\\\u20ac", "\\\\u20ac": 3}\'), (11, \'{"s": "\\\\u0000"}\'), (12, \'{"d": "\\\\u00e9"}\'), (13, \'\\x7b226e223a317de9\')) AS messages (i, m)'

\c json_latin1
SET client_min_messages = warning;
CREATE EXTENSION kafka_stream;
CREATE DOMAIN letters AS text CHECK (VALUE <> '');
CREATE TABLE t (n int, s text, a text[], d letters);
SELECT i, decoded - 's' - 'a' - 'd' AS others, encode(convert_to(decoded->>'s', 'LATIN1'), 'hex') AS s,
    encode(convert_to(decoded->'a'->>0, 'LATIN1'), 'hex') AS a, encode(convert_to(decoded->>'d', 'LATIN1'), 'hex') AS d,
    sqlstate, column_name, error
FROM :messages, LATERAL kafka_stream.decode('t', m) ORDER BY i;

\c json_sql_ascii
SET client_min_messages = warning;
CREATE EXTENSION kafka_stream;
CREATE DOMAIN letters AS text CHECK (VALUE <> '');
CREATE TABLE t (n int, s text, a text[], d letters);
SELECT i, decoded - 's' - 'a' - 'd' AS others, encode(convert_to(decoded->>'s', 'SQL_ASCII'), 'hex') AS s,
    sqlstate, column_name, error
FROM :messages, LATERAL kafka_stream.decode('t', m) ORDER BY i;

\c postgres
DROP DATABASE json_latin1;
DROP DATABASE json_sql_ascii;
