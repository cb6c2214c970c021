import { writeFileSync } from 'node:fs';
import { makeVectors, VECTORS } from './vectors.ts';

writeFileSync(VECTORS, `${JSON.stringify(await makeVectors(), null, 2)}\n`);
