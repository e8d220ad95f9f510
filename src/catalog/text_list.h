/* Arrays of text in the catalog as lists of C strings. */
#ifndef KS_CATALOG_TEXT_LIST_H
#define KS_CATALOG_TEXT_LIST_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* List of char *, palloc'd. */
extern List *ks_text_list(Datum array);
extern Datum ks_text_array(List *list);

#endif
