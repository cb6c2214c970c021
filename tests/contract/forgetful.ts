import { argv } from 'node:process';
import { postgres } from 'latchkey/postgres';

/* A script that uses a store and forgets to close it. */

const store = postgres(argv[2] ?? '');
await store.open(Date.now());
await store.log.head();
while (!store.hears()) await new Promise((resolve) => setTimeout(resolve, 10));
console.log('it hears');
