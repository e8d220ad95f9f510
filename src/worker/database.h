/* DROP DATABASE and the like, which wait for everybody to leave. */
#ifndef KS_WORKER_DATABASE_H
#define KS_WORKER_DATABASE_H

/* Called from _PG_init. */
extern void ks_database_register(void);

#endif
