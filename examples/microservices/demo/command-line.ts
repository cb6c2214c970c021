import { parseArgs } from 'node:util';
import { OPTIONAL, type Optional } from './fleet.ts';

/** What `--help` prints. */
export const HELP = `npm run demo -- [--without nginx] [--without python] [--help]

Starts an issuer and its services on this machine, and prints the address of a page with
a button that ends trust, where you see who still accepts it. Ctrl-C ends all of it and
leaves nothing behind.

  --without nginx    no gateway, as where nginx is missing: Latchkey checks the cookie itself
  --without python   no service in Python, as where Python, PyJWT or cryptography is missing
  --help             this text

PORT=8080 npm run demo takes another port for the page than 3007. Where it is taken,
a free one is used.`;

/** How the demo was called. */
export interface Call {
  readonly help: boolean;
  /** What not to use though it is there. */
  readonly without: ReadonlySet<Optional>;
}

/**
 * Reads how the demo was called.
 *
 * @throws one line that says what there is, for anything else.
 */
export function parseCall(args: readonly string[]): Call {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: { help: { type: 'boolean', short: 'h' }, without: { type: 'string', multiple: true } },
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'option' && (token.name === 'help' || token.name === 'without')) continue;
    const given = token.kind === 'option' ? token.rawName : token.kind === 'positional' ? token.value : '--';
    throw new Error(`${given} is not known: there are --without nginx, --without python and --help`);
  }
  return { help: values['help'] !== undefined, without: new Set((values['without'] ?? []).map(optional)) };
}

/** @throws where it is no part that may be missing. */
function optional(given: string | boolean): Optional {
  const found = OPTIONAL.find((name) => name === given);
  if (found !== undefined) return found;
  const named = typeof given === 'string' ? `--without ${given} is not known` : '--without what';
  throw new Error(`${named}: there are --without ${OPTIONAL.join(' and --without ')}`);
}
