import { mkdirSync } from 'node:fs';

/** A file in the folder of the application's data. */
export function dataFile(name: string): string {
  const folder = process.env['DATA'] ?? 'data';
  mkdirSync(folder, { recursive: true });
  return `${folder}/${name}`;
}
