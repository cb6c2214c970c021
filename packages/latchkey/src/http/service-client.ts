import type { ServiceClient } from '../flows/authenticate-client.ts';
import type { RequestHead } from '../foundation/header-source.ts';
import type { Exchange } from './exchange.ts';

/**
 * Which service asks. It is checked anew at each call, so that a stream may ask again for as
 * long as it lasts: from memory, unless the log has said something of the client since.
 *
 * @throws as `ClientAuthenticator.authenticate`.
 */
export async function requireServiceClient({
  services,
  request,
}: Pick<Exchange, 'services' | 'request'>): Promise<ServiceClient> {
  return await services.authenticate(request.headers.get('authorization'));
}

/** Whether a request shows the key of a client, good or not, rather than what a user holds. */
export function presentsClientKey({ headers }: RequestHead): boolean {
  return /^(?:basic |bearer +lks_)/i.test(headers.get('authorization') ?? '');
}
