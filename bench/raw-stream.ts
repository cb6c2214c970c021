import { createServer, type ServerResponse } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

/** Server-sent events without Latchkey: what a revocation is compared with. */
export interface RawStream {
  readonly port: number;
  /** Sends one event to every stream that is open. */
  readonly echo: (event: string) => void;
  readonly close: () => void;
}

/** Opens a plain server that sends every event to everybody who listens. */
export async function openRawStream(): Promise<RawStream> {
  const listeners = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(': open\n\n');
    listeners.add(response);
    request.once('close', () => listeners.delete(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    echo: (event) => {
      const text = `event: echo\ndata: ${event}\n\n`;
      for (const listener of listeners) listener.write(text);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Writes one row, and resolves when it is on the disk. */
export interface RawTable {
  readonly write: (nr: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/**
 * Opens a table of one column in the store that is measured.
 *
 * @param database a URL of PostgreSQL, or a file of SQLite, beside which another one is made.
 */
export async function openRawTable(database: string): Promise<RawTable> {
  if (database.startsWith('postgres://')) {
    const pool = new pg.Pool({ connectionString: database, max: 1 });
    await pool.query('create table bench_row (nr int)');
    const insert = { name: 'row', text: 'insert into bench_row (nr) values ($1)' };
    return { write: (nr) => pool.query({ ...insert, values: [nr] }), close: () => pool.end() };
  }
  const file = new DatabaseSync(`${database}-raw`);
  file.exec('pragma journal_mode = wal; pragma synchronous = full; create table bench_row (nr int)');
  const insert = file.prepare('insert into bench_row (nr) values (?)');
  return {
    write: (nr) => Promise.resolve(insert.run(nr)),
    close: () => Promise.resolve(file.close()),
  };
}
