import { OperationProvider } from '@sluice/client/react';
import { type ReactNode, createContext, useContext, useSyncExternalStore } from 'react';
import { Provider as UrqlProvider } from 'urql';
import type { Api } from './api.js';
import type { Session, SessionStore } from './session.js';

export interface Services {
  readonly session: SessionStore;
  readonly api: Api;
}

const ServicesContext = createContext<Services | null>(null);

export function ServicesProvider({ services, children }: { services: Services; children: ReactNode }): ReactNode {
  return (
    <ServicesContext value={services}>
      <UrqlProvider value={services.api.urql}>
        <OperationProvider client={services.api.operations}>{children}</OperationProvider>
      </UrqlProvider>
    </ServicesContext>
  );
}

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === null) throw new Error('useServices needs a <ServicesProvider> above it');
  return services;
}

export function useSession(): Session | null {
  const { session } = useServices();
  return useSyncExternalStore(session.subscribe, session.get);
}
