/* Settings of the server (GUCs). */
#ifndef KS_BASE_SETTINGS_H
#define KS_BASE_SETTINGS_H

extern bool ks_enabled;			/* kafka_stream.enabled: off, nothing runs */
extern int	ks_max_streams;		/* kafka_stream.max_streams: slots in shared memory */

/* Define them; called once, when the module is loaded. */
extern void ks_settings_define(void);

#endif
