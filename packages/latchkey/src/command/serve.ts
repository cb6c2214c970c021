import { Command } from 'commander';
import { readSettings, type Settings } from '../environment.ts';
import { Refused } from './refused.ts';

interface ServerModule {
  readonly serve: (settings: Settings) => Promise<void>;
}

/** `latchkey serve` */
export function serveCommand(): Command {
  return new Command('serve')
    .description('run the standalone server, with hosted pages')
    .addHelpText(
      'after',
      `
Environment:
  PORT                       the port (3000)
  HOST                       the address to listen on (127.0.0.1)
  LATCHKEY_URL               the public origin, https:// off this machine (http://localhost:PORT)
  LATCHKEY_DATA              the data folder (./data)
  LATCHKEY_DATABASE_URL      sqlite:file.db, or postgres://user:password@host:5432/database
                             (latchkey.db in the data folder)
  LATCHKEY_SECRET            the root secret, or new,old to rotate it (the file "secret" in the data folder;
                             with PostgreSQL it must be given)
  LATCHKEY_PROFILE           one profile or more, comma-separated (small-app)
  LATCHKEY_TRUSTED_PROXIES   how many proxies of yours append to X-Forwarded-For (0)
  LATCHKEY_METRICS_SECRET    what /metrics asks for as a bearer token, off this machine
  LATCHKEY_LOG_LEVEL         trace, debug, info, warn, error or silent (info)

A latchkey.config.ts in the working directory says the rest; \`latchkey config\` prints what is in force.`,
    )
    .action(async () => {
      const { serve } = await serverModule();
      await serve(await readSettings(process.env, process.cwd()));
    });
}

/** By name at run time: the server depends on this package, so it cannot be imported by it. */
async function serverModule(): Promise<ServerModule> {
  const name: string = '@latchkey/server';
  let module: unknown;
  try {
    module = await import(name);
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      error.code === 'ERR_MODULE_NOT_FOUND' &&
      error.message.includes(name)
    ) {
      throw new Refused(
        'the standalone server is a package of its own; install it with: npm install @latchkey/server',
        { cause: error },
      );
    }
    throw error;
  }
  if (!isServerModule(module))
    throw new Refused('the installed @latchkey/server is of another version; install the same as latchkey');
  return module;
}

function isServerModule(module: unknown): module is ServerModule {
  return (
    typeof module === 'object' && module !== null && 'serve' in module && typeof module.serve === 'function'
  );
}
