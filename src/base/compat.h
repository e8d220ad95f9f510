/*
 * Differences between PostgreSQL 15 to 18; the only place with PG_VERSION_NUM.
 */
#ifndef KS_BASE_COMPAT_H
#define KS_BASE_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "kafka_stream needs PostgreSQL 15 to 18"
#endif

/*
 * We build with -fvisibility=hidden; PostgreSQL marks what it looks up by name
 * as visible from 16 on only.  Include this file before PG_FUNCTION_INFO_V1.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#define KS_PG_MAJOR (PG_VERSION_NUM / 10000)

#endif
