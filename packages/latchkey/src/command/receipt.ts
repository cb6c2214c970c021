import type { Latchkey, Receipt, ReceiptDetails } from '../latchkey.ts';
import { type Output, print, printable, printJson, timeOf } from './print.ts';

/**
 * Waits for a moment until who follows the log has confirmed, and says who has, and by
 * when it is certain.
 *
 * @param done what has been done, for people.
 */
export async function printReceipt(
  auth: Latchkey,
  receipt: Receipt,
  done: string,
  { json }: Output,
): Promise<void> {
  await receipt.settledWithin({ timeout: '2s' });
  const details = await receipt.details();
  if (json === true) return printJson({ receipt: details });
  print(done);
  print(await standing(auth, details));
  if (details.tokensDeadBy > details.deadline)
    print(`Who only reads a token's expiry may accept it until ${timeOf(details.tokensDeadBy)}.`);
}

async function standing(auth: Latchkey, { names, deadline, settled }: ReceiptDetails): Promise<string> {
  // This process follows the log as well, for as long as it runs; nobody asks it anything.
  const self = (await auth.followers()).items.find((follower) => follower.self)?.name;
  const others = (of: readonly string[]): string => counted(of.filter((name) => name !== self));
  const [confirmed, pending] = [others(names.confirmed), others(names.pending)];
  if (!settled || pending !== '') {
    const said = confirmed === '' ? 'Nobody has confirmed yet' : `Confirmed by ${confirmed}`;
    const missing = pending === '' ? '' : `; not by ${pending}`;
    return `${said}${missing}. It is certain from ${timeOf(deadline)} on.`;
  }
  return confirmed === ''
    ? 'Nobody else follows the log now: it is certain.'
    : `Confirmed by all who follow the log: ${confirmed}. It is certain.`;
}

/** Each name once, with how many processes go by it. */
function counted(names: readonly string[]): string {
  return [...Map.groupBy(names, printable)]
    .map(([name, { length }]) => (length === 1 ? name : `${name} (${length} processes)`))
    .join(', ');
}
