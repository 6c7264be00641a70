import { act, cleanup, fireEvent, render, renderHook, screen } from '@testing-library/react';
import { type ReactNode, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OperationClient, createOperationClient } from '../operation-client.js';
import type { OperationState } from '../operation-state.js';
import { type FakeOperationServer, createFakeOperationServer } from '../testing/index.js';
import {
  OperationProvider,
  useAttentionList,
  useConnection,
  useOperation,
  useOperationEvents,
  useOperationList,
  useOperationMutation,
  useOperationResolution,
} from './index.js';

const INSTALL =
  'mutation InstallPlugin($input: InstallPluginInput!) { installPlugin(input: $input) { operation { id } userErrors { code } } }';
type InstallData = { installPlugin: { operation: { id: string } | null; userErrors: [] } };
const pickInstall = (data: InstallData): InstallData['installPlugin'] => data.installPlugin;

let server: FakeOperationServer;
let client: OperationClient;
const wrapper = ({ children }: { children: ReactNode }): ReactNode => (
  <StrictMode>
    <OperationProvider client={client}>{children}</OperationProvider>
  </StrictMode>
);
const settle = (ms = 200): Promise<unknown> => act(() => vi.advanceTimersByTimeAsync(ms));

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  server = createFakeOperationServer();
  client = createOperationClient({ transport: server.transport });
  server.add({ id: 'op_1', title: 'Install' });
  server.emit('op_1', {
    __typename: 'OperationStarted',
    title: 'Install',
    steps: [
      { id: 'a', label: 'A' },
      { id: 'b', label: 'B' },
    ],
  });
});
afterEach(async () => {
  cleanup();
  await client.close();
  vi.useRealTimers();
});

describe('useOperation', () => {
  it('subscribes once for two components under StrictMode, and over a change of page', async () => {
    const first = renderHook(() => useOperation('op_1'), { wrapper });
    renderHook(() => useOperation('op_1'), { wrapper });
    await settle();
    first.unmount();
    await settle(500);
    renderHook(() => useOperation('op_1'), { wrapper });
    await settle();
    expect(server.seen.subscribes).toHaveLength(1);
  });

  it('follows steps to the end', async () => {
    const { result } = renderHook(() => useOperation('op_1'), { wrapper });
    expect(result.current).toMatchObject({ status: 'UNKNOWN', phase: 'loading' });
    await settle();
    expect(result.current).toMatchObject({ status: 'WORKING', phase: 'live', progress: { value: 0, total: 2 }, can: { cancel: true } });
    server.emit('op_1', { __typename: 'StepCompleted', step: 'a', label: 'A', detail: null });
    await settle();
    expect(result.current.progress).toEqual({ value: 0.5, done: 1, total: 2 });
    server.emit('op_1', { __typename: 'OperationCompleted' });
    await settle();
    expect(result.current).toMatchObject({ status: 'COMPLETED', phase: 'done', can: { cancel: false } });
  });

  it('pauses without an id', async () => {
    const { result } = renderHook(() => useOperation(null), { wrapper });
    await settle();
    expect(result.current).toMatchObject({ id: null, phase: 'idle' });
    expect(server.seen.requests).toEqual([]);
  });

  it('7. renders only when the selection changed', async () => {
    let renders = 0;
    const select = ({ view }: OperationState): { done: number } => ({ done: view.progress.completed });
    const { result } = renderHook(
      () => {
        renders += 1;
        return useOperation('op_1', { select });
      },
      { wrapper: ({ children }) => <OperationProvider client={client}>{children}</OperationProvider> },
    );
    await settle();
    const before = renders;
    server.emit('op_1', { __typename: 'StepStarted', step: 'a', label: 'A' });
    await settle();
    expect(renders).toBe(before);
    server.emit('op_1', { __typename: 'StepCompleted', step: 'a', label: 'A', detail: null });
    await settle();
    expect(renders).toBe(before + 1);
    expect(result.current).toEqual({ done: 1 });
  });

  it('tells once that the operation has ended, and not of one that had ended before', async () => {
    const onSettled = vi.fn();
    const { unmount } = renderHook(() => useOperation('op_1', { onSettled }), { wrapper });
    await settle();
    server.emit('op_1', { __typename: 'OperationCompleted' });
    await settle(2_000);
    expect(onSettled).toHaveBeenCalledTimes(1);
    unmount();
    await settle(2_000);
    renderHook(() => useOperation('op_1', { onSettled }), { wrapper });
    await settle(2_000);
    expect(onSettled).toHaveBeenCalledTimes(1);
  });

  it('11. renders on a server as idle', () => {
    function Status(): ReactNode {
      return <p>{useOperation('op_1').phase}</p>;
    }
    expect(
      renderToString(
        <OperationProvider client={client}>
          <Status />
        </OperationProvider>,
      ),
    ).toBe('<p>idle</p>');
    expect(server.seen.requests).toEqual([]);
  });
});

describe('useOperationMutation', () => {
  it('starts one operation for a double click and follows it', async () => {
    const keys: unknown[] = [];
    server.onMutation('InstallPlugin', (_, headers) => {
      keys.push(headers['idempotency-key']);
      return { data: { installPlugin: { operation: { id: 'op_1' }, userErrors: [] } } };
    });
    function Install(): ReactNode {
      const { start, operation, starting } = useOperationMutation(INSTALL, { pick: pickInstall });
      return <button onClick={() => void start({ input: { name: 'x' } })}>{starting ? 'starting' : operation.status}</button>;
    }
    render(<Install />, { wrapper });
    fireEvent.click(screen.getByRole('button'));
    fireEvent.click(screen.getByRole('button'));
    expect(screen.getByRole('button').textContent).toBe('starting');
    await settle();
    expect(screen.getByRole('button').textContent).toBe('WORKING');
    expect(keys).toHaveLength(1);
    server.emit('op_1', { __typename: 'OperationCompleted' });
    await settle();
    expect(screen.getByRole('button').textContent).toBe('COMPLETED');
  });

  it('shows an unreachable gateway as an error that may be tried again', async () => {
    const { result } = renderHook(() => useOperationMutation(INSTALL, { pick: pickInstall }), { wrapper });
    server.failRequests(1);
    await act(async () => void (await result.current.start({ input: { name: 'x' } })));
    expect(result.current).toMatchObject({ starting: false, id: null, error: { source: 'network', retryable: true } });
    act(() => result.current.reset());
    expect(result.current.error).toBeUndefined();
  });
});

describe('useOperationResolution', () => {
  beforeEach(() => {
    server.emit('op_1', { __typename: 'OperationFailed', failure: { code: 'OUTCOME_UNKNOWN', message: 'Lost.', retryable: false } });
    server.add({ id: 'rec_1', title: 'Recovery of Install', recovers: 'op_1' });
  });

  it('sends a decision; the recovery leaves the list when its events say so', async () => {
    const { result } = renderHook(() => ({ list: useAttentionList(), decision: useOperationResolution('op_1') }), { wrapper });
    await settle();
    let sent: Promise<unknown> | undefined;
    act(() => void (sent = result.current.decision.resolve({ choice: 'GIVE_UP' })));
    expect(result.current.decision.sending).toBe('GIVE_UP');
    await act(async () => void (await sent));
    await settle();
    expect(result.current.decision).toMatchObject({ sending: null, accepted: 'GIVE_UP', error: undefined });
    expect(result.current.list.items.map(({ id }) => id)).toEqual(['rec_1']);
    server.emit('rec_1', { __typename: 'OperationCompleted' });
    await settle();
    expect(result.current.list.items).toEqual([]);
  });

  it('shows a refusal and an unreachable gateway apart', async () => {
    const { result } = renderHook(() => useOperationResolution('op_1'), { wrapper });
    const userErrors = [{ code: 'CONFLICT', message: 'it is resolved already', retryable: false }];
    server.onMutation('SluiceResolveOperation', () => ({ data: { resolveOperation: { operation: null, userErrors } } }));
    await act(async () => void (await result.current.resolve({ choice: 'SKIP' })));
    expect(result.current).toMatchObject({ accepted: null, userErrors, error: undefined });
    server.failRequests(1);
    await act(async () => void (await result.current.resolve({ choice: 'SKIP' })));
    expect(result.current).toMatchObject({ accepted: null, userErrors: [], error: { source: 'network', retryable: true } });
    act(() => result.current.reset());
    expect(result.current.error).toBeUndefined();
  });
});

describe('the other hooks', () => {
  it('useOperationEvents holds the list still while not following, and counts what is new', async () => {
    const { result } = renderHook(() => useOperationEvents('op_1'), { wrapper });
    await settle();
    expect(result.current.events).toHaveLength(1);
    act(() => result.current.setFollow(false));
    server.emit('op_1', { __typename: 'StepStarted', step: 'a', label: 'A' });
    await settle();
    expect(result.current).toMatchObject({ follow: false, fresh: 1, events: [{ seq: 1 }] });
    act(() => result.current.setFollow(true));
    expect(result.current.events.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('useOperationList gives rows, also when the filter is a new object at every render', async () => {
    const { result } = renderHook(() => useOperationList({ status: 'WORKING' }), { wrapper });
    await settle();
    expect(result.current.items.map(({ title }) => title)).toEqual(['Install']);
    expect(server.seen.requests).toEqual(['SluiceOperations']);
  });

  it('useConnection shows the state of the one connection', async () => {
    renderHook(() => useOperation('op_1'), { wrapper });
    const { result } = renderHook(() => useConnection(), { wrapper });
    await settle();
    expect(result.current.state).toBe('open');
    act(() => server.disconnect());
    expect(result.current.state).toBe('reconnecting');
  });
});
