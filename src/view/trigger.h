/* Triggers of streams' tables. */
#ifndef KS_VIEW_TRIGGER_H
#define KS_VIEW_TRIGGER_H

/* Once, from _PG_init. */
extern void ks_trigger_init(void);

#endif
