import { createApp, createLog, createMetrics, eventLogger } from '@latchkey/server';
import { type Latchkey, type LatchkeyOptions, latchkey } from 'latchkey';

/** What the standalone server runs: its application, with log and metrics, on no port yet. */
export interface Served {
  readonly auth: Latchkey;
  readonly app: ReturnType<typeof createApp>;
  readonly close: () => Promise<void>;
}

/** Opens a Latchkey as the standalone server does. */
export async function openServed(options: LatchkeyOptions): Promise<Served> {
  const { flush, ...output } = createLog('info');
  const metrics = createMetrics();
  const log = eventLogger(output.logger);
  const auth = latchkey({
    ...options,
    onEvent: (event) => {
      metrics.event(event);
      log(event);
    },
  });
  metrics.observe({ figures: () => auth.figures(), followers: () => [], store: () => true });
  await auth.ready();
  return {
    auth,
    app: createApp({ auth, log: output, metrics, metricsSecret: null, open: true }),
    close: async () => {
      await auth.close();
      flush();
    },
  };
}
