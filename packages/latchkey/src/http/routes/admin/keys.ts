import { z } from 'zod';
import { revokeSigningKey, rotateSigningKey } from '../../../flows/signing-keys.ts';
import type { Route } from '../../route.ts';
import { receiptDetailsShape, writeReceiptDetails } from '../../wire-admin.ts';
import { keyRotationShape, keysShape, writeKeyRotation, writeKeys } from '../../wire-keys.ts';
import { adminRoute, answer } from './admin-route.ts';

/** `GET /auth/admin/keys` */
export const listKeysRoute: Route = adminRoute({
  method: 'GET',
  path: '/auth/admin/keys',
  summary: 'The keys that sign access tokens, oldest first',
  body: {},
  query: {},
  status: 200,
  answer: keysShape,
  errors: [],
  act: async ({ rooms }) => answer(writeKeys(await rooms.signingKeys.list())),
});

/** `POST /auth/admin/keys/rotate` */
export const rotateKeysRoute: Route = adminRoute({
  method: 'POST',
  path: '/auth/admin/keys/rotate',
  summary: 'Have the next key sign as soon as everybody has seen it',
  body: {},
  query: {},
  status: 200,
  answer: keyRotationShape,
  errors: ['LK_CONFLICT'],
  act: async ({ rooms }, _input, by) => answer(writeKeyRotation(await rotateSigningKey(rooms, by))),
});

/** `POST /auth/admin/keys/{kid}/revoke` */
export const revokeKeyRoute: Route = adminRoute({
  method: 'POST',
  path: '/auth/admin/keys/{kid}/revoke',
  summary: 'End trust in a key at once: what it has signed is good nowhere, and nobody is signed out',
  body: {},
  query: {},
  status: 200,
  answer: z.object({ receipt: receiptDetailsShape }),
  errors: ['LK_NOT_FOUND'],
  act: async ({ rooms, params }, _input, by) => {
    const receipt = await revokeSigningKey(rooms, params['kid'] ?? '', { by, reason: null });
    return answer({ receipt: writeReceiptDetails(await receipt.details()) });
  },
});
