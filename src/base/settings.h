/* Settings of the server (GUCs). */
#ifndef KS_BASE_SETTINGS_H
#define KS_BASE_SETTINGS_H

extern bool ks_enabled;			/* kafka_stream.enabled: off, nothing runs */
extern int	ks_max_streams;		/* kafka_stream.max_streams: slots in shared memory */
extern int	ks_alert_timeout;	/* kafka_stream.alert_timeout: of one run of an alert's query, in ms */

/* Define them; called once, when the module is loaded. */
extern void ks_settings_define(void);

#endif
