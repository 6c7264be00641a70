import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

const gateway = process.env.SLUICE_URL ?? 'http://127.0.0.1:4000';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  plugins: [react()],
  // `@sluice/client` by its sources: the console needs no build of it.
  resolve: { conditions: ['sluice-source', ...defaultClientConditions] },
  build: {
    outDir: fileURLToPath(new URL('../../dist/console', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    // A font or image as `data:` would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The explorer's editor is one lazy page.
    chunkSizeWarningLimit: 5_000,
  },
  server: {
    proxy: { '/graphql': { target: gateway, ws: true }, '/dev': { target: gateway } },
  },
});
