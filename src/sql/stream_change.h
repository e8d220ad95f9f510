/* What functions that change a stream begin with. */
#ifndef KS_SQL_STREAM_CHANGE_H
#define KS_SQL_STREAM_CHANGE_H

#include "catalog/stream.h"

/*
 * The stream that a user names, who must own it; locked exclusively, so that no
 * batch is under way and the next one sees what is changed.
 */
extern KsStream *ks_change_begin(const char *name);

/* Save it, and tell its worker when this commits. */
extern void ks_change_end(const KsStream *stream);

#endif
