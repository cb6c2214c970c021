import type { Millis } from '@latchkey/verify';

/** Resolves with `work`, or without it when the time is over; rejects as `work` does meanwhile. */
export async function within(limit: Millis, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, limit);
  });
  await Promise.race([work, over]).finally(() => clearTimeout(timer));
}
