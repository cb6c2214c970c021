import path from 'node:path';
import type { NextConfig } from 'next';

const WORKSPACE = path.join(import.meta.dirname, '../..');

const config: NextConfig = {
  distDir: process.env['NEXT_DIST_DIR'] ?? '.next',
  // Latchkey runs in Node as it is: nothing is gained by bundling it.
  serverExternalPackages: ['latchkey', '@latchkey/verify'],
  turbopack: { root: WORKSPACE },
  outputFileTracingRoot: WORKSPACE,
  poweredByHeader: false,
  experimental: {
    // Denied is 403 and `app/forbidden.tsx`.
    authInterrupts: true,
    // TypeScript 7 is a command and no library.
    useTypeScriptCli: true,
  },
  // The types of the whole workspace are checked at once.
  typescript: { ignoreBuildErrors: true },
};

export default config;
