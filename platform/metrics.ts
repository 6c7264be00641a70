import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Labels hold enums and our own names only: never ids, addresses or a caller's text. */
export interface Metrics {
  requests: Counter<'transport' | 'outcome'>;
  /** Only where trusted documents are logged or required. */
  documents: Counter<'document'>;
  operationSeconds: Histogram<'path'>;
  fetchSeconds: Histogram<'service' | 'outcome'>;
  sharedFetches: Counter;
  planSeconds: Histogram<'outcome'>;
  /** Until Temporal has taken the run; its first task comes with that answer. */
  runStartSeconds: Histogram;
  operationReaders: Gauge;
  historyPolls: Gauge;
  generation: Gauge;
  webSockets: Gauge;
  subscriptions: Gauge;
  /** Prometheus text format 0.0.4. */
  render(): Promise<string>;
  contentType: string;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
  return {
    requests: new Counter({
      name: 'sluice_requests_total',
      help: 'GraphQL requests by transport and outcome',
      labelNames: ['transport', 'outcome'],
      registers,
    }),
    documents: new Counter({
      name: 'sluice_documents_total',
      help: 'Documents of clients whose documents are judged: trusted, free, refused, or of an unknown id',
      labelNames: ['document'],
      registers,
    }),
    operationSeconds: new Histogram({
      name: 'sluice_operation_seconds',
      help: 'Duration of operations by path',
      labelNames: ['path'],
      buckets,
      registers,
    }),
    fetchSeconds: new Histogram({
      name: 'sluice_fetch_seconds',
      help: 'Duration of fetches by service',
      labelNames: ['service', 'outcome'],
      buckets,
      registers,
    }),
    sharedFetches: new Counter({
      name: 'sluice_shared_fetches_total',
      help: 'Fetches that joined an equal one on its way',
      registers,
    }),
    planSeconds: new Histogram({
      name: 'sluice_plan_seconds',
      help: 'Duration of planning; hits of the plan cache are not counted',
      labelNames: ['outcome'],
      buckets,
      registers,
    }),
    runStartSeconds: new Histogram({
      name: 'sluice_run_start_seconds',
      help: 'Duration of the starts of workflows by the gateway',
      buckets,
      registers,
    }),
    operationReaders: new Gauge({
      name: 'sluice_operation_readers',
      help: 'Operations whose history this process follows, whatever number of viewers they have',
      registers,
    }),
    historyPolls: new Gauge({ name: 'sluice_history_polls', help: 'Open long polls for the next event of a history', registers }),
    generation: new Gauge({
      name: 'sluice_supergraph_generation',
      help: 'Number of the supergraph generation that new operations get',
      registers,
    }),
    webSockets: new Gauge({ name: 'sluice_websockets', help: 'Open WebSocket connections', registers }),
    subscriptions: new Gauge({ name: 'sluice_subscriptions', help: 'Running subscriptions', registers }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
