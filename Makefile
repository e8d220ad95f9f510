# kafka_stream: streaming SQL for PostgreSQL.  PGXS as usual: make, make
# install, make installcheck, with PG_CONFIG.  These bring what they need:
#
#	make quickstart   a private server and broker, with the example running
#	make up, down     the server and the broker alone, under .run/
#	make check        every test; make bench: how fast

PG_CONFIG ?= pg_config

# They run before there is a pg_config, so PGXS stays out; other goals of the
# same command line get a make of their own.
DRIVERS = quickstart up down check bench
ifneq ($(filter $(DRIVERS),$(MAKECMDGOALS)),)

export PG_CONFIG
.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)
up down:
	@bash test/server.sh $@
quickstart check:
	@bash test/$@.sh
bench:
	@bash test/bench/run
$(filter-out $(DRIVERS),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

else

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
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -fvisibility=hidden

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error no PGXS for "$(PG_CONFIG)": install postgresql-server-dev-15, or set PG_CONFIG)
endif
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

endif
