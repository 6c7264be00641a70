// In a cascade layer, so that our own classes win in whatever order chunks arrive.
import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import './global.css';
import { MantineProvider } from '@mantine/core';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from './api.js';
import { createAppRouter } from './router.js';
import { ServicesProvider } from './services.js';
import { createSessionStore } from './session.js';
import { cssVariablesResolver, theme } from './theme.js';

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
// Dialogs lock the page's scrolling by a style element.
setNonce(nonce);

const session = createSessionStore(sessionStorage, Date.now);
const api = createApi(session);
const router = createAppRouter({ session, api });

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <ServicesProvider services={{ session, api }}>
        <RouterProvider router={router} />
      </ServicesProvider>
    </MantineProvider>
  </StrictMode>,
);
