# kafka_stream: streaming SQL for PostgreSQL.  PGXS as usual (make, make
# install, make installcheck); make quickstart and make check bring what they need.

EXTENSION = kafka_stream
MODULE_big = kafka_stream
DATA_built = kafka_stream--1.0.sql

# The module that links librdkafka is apart: the postmaster preloads only the other.
FLOORS = base time aggregate anomaly format source catalog view worker sql
KAFKA_SRCS = $(wildcard src/source/kafka_*.c)
SRCS = $(filter-out $(KAFKA_SRCS),$(foreach f,$(FLOORS),$(wildcard src/$(f)/*.c)))
SQLS = $(foreach f,$(FLOORS),$(sort $(wildcard src/$(f)/*.sql)))
OBJS = $(SRCS:.c=.o)
KAFKA_OBJS = $(KAFKA_SRCS:.c=.o)
KAFKA_MODULE = kafka_stream_kafka.so

REGRESS = $(sort $(basename $(notdir $(wildcard sql/*.sql))))
REGRESS_OPTS = --load-extension=kafka_stream

EXTRA_CLEAN = $(KAFKA_OBJS) $(KAFKA_MODULE) kafka_stream--1.0.sql

PG_CPPFLAGS = -I$(CURDIR)/src
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -fvisibility=hidden

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# No bitcode: the code is not inlined into queries, and clang need not be there.
override with_llvm = no

all: $(KAFKA_MODULE)

$(OBJS) $(KAFKA_OBJS): $(wildcard src/*/*.h)

$(KAFKA_MODULE): $(KAFKA_OBJS)
	$(CC) $(CFLAGS) -shared -o $@ $(KAFKA_OBJS) $(LDFLAGS) -lrdkafka

kafka_stream--1.0.sql: $(SQLS)
	(printf '%s\n' '\echo Use "CREATE EXTENSION kafka_stream" to load this file. \quit'; cat $(SQLS)) > $@

install: install-kafka-module
install-kafka-module: $(KAFKA_MODULE)
	$(INSTALL_SHLIB) $(KAFKA_MODULE) '$(DESTDIR)$(pkglibdir)/$(KAFKA_MODULE)'
uninstall: uninstall-kafka-module
uninstall-kafka-module:
	rm -f '$(DESTDIR)$(pkglibdir)/$(KAFKA_MODULE)'
.PHONY: install-kafka-module uninstall-kafka-module
