import { latchkey, me, resource, sqlite } from 'latchkey';
import { next } from 'latchkey/next';
import { cookies, headers } from 'next/headers';
import { forbidden, notFound, redirect } from 'next/navigation';
import { dataFile } from './data-file.ts';
import type { Note } from './notes.ts';

// A function, so that building needs no secret and opens nothing.
export const { handlers, route, principal, signedIn, may, session } = next(
  () =>
    latchkey({
      url: process.env['APP_URL'] ?? 'http://localhost:3004',
      secret: process.env['LATCHKEY_SECRET'], // openssl rand -base64 32
      store: sqlite(dataFile('auth.db')),
      profile: 'server-rendered',
      brand: 'Notes',
      access: {
        note: resource<Note>()({ read: [{ ownerId: me.id }], remove: [{ ownerId: me.id }] }),
      },
    }),
  { cookies, headers, redirect, notFound, forbidden },
);
