/*
 * The extension's module: what happens when PostgreSQL loads it.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/compat.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
}
