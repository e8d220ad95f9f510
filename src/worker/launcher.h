/* The launcher: starts a worker for each stream that should run. */
#ifndef KS_WORKER_LAUNCHER_H
#define KS_WORKER_LAUNCHER_H

/* Called from _PG_init: register the launcher if the server is starting. */
extern void ks_launcher_register(void);

#endif
