import { first } from './0001-first.ts';
import { tokens } from './0002-tokens.ts';
import { nodes } from './0003-nodes.ts';
import { serviceClients } from './0004-service-clients.ts';
import { relays } from './0005-relays.ts';
import { epochs } from './0006-epochs.ts';
import { untilExpiry } from './0007-until-expiry.ts';
import { registeredSeq } from './0008-registered-seq.ts';
import type { Migration } from './migration.ts';

/** Every migration, in the order of versions. */
export const MIGRATIONS: readonly Migration[] = [
  first,
  tokens,
  nodes,
  serviceClients,
  relays,
  epochs,
  untilExpiry,
  registeredSeq,
];
