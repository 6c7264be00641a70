// Apollo's gateway for what it is good at (life cycle, the first supergraph, what Apollo Server expects) with an executor of ours.
// Later generations do not go through its `update`: that builds supergraph, schema and a planner that nobody asks, all at once on the
// thread that serves (127 ms of CPU for six small services). They come with their API schema from the planner's thread; reading it takes 2 ms.
import { ApolloGateway } from '@apollo/gateway';
import { buildASTSchema, type ConstDirectiveNode, Kind, parse, print, visit } from 'graphql';
import type { Logger } from '#platform/logger';
import type { Generations } from './generations.js';
import { withGatewayDirectives } from './gateway-directives.js';

export type GatewayExecutor = ApolloGateway['executor'];
type SchemaListener = Parameters<ApolloGateway['onSchemaLoadOrUpdate']>[0];

export class SluiceGateway extends ApolloGateway {
  override executor: GatewayExecutor;
  readonly #generations: Generations;
  readonly #listeners = new Set<SchemaListener>();
  #served = '';

  /** Telemetry must be off before: set APOLLO_TELEMETRY_DISABLED. */
  constructor({ generations, executor, log }: { generations: Generations; executor: GatewayExecutor; log: Logger }) {
    super({
      supergraphSdl: {
        initialize: async () => {
          const { supergraphSdl } = await generations.open();
          this.#served = supergraphSdl;
          return { supergraphSdl: toLoadable(supergraphSdl), cleanup: () => generations.close() };
        },
      },
      // Nothing is fetched through Apollo's data sources; their HTTP client must not even be built.
      buildService: () => ({
        process: () => {
          throw new Error('fetches go through gateway/fetching');
        },
      }),
      validateSupergraph: true,
      logger: {
        debug: (message) => log.trace({ apollo: true }, String(message)),
        info: (message) => log.debug({ apollo: true }, String(message)),
        warn: (message) => log.warn({ apollo: true }, String(message)),
        error: (message) => log.error({ apollo: true }, String(message)),
      },
    });
    this.#generations = generations;
    this.executor = executor;
    this.onSchemaLoadOrUpdate(({ apiSchema }) => generations.serve(apiSchema));
  }

  override async load(options?: Parameters<ApolloGateway['load']>[0]): ReturnType<ApolloGateway['load']> {
    const loaded = await super.load(options);
    // Only now: a swap that overtook the first generation would be undone by it.
    this.#generations.follow(({ supergraphSdl }, apiSdl) => this.#swap(supergraphSdl, apiSdl));
    return loaded;
  }

  override onSchemaLoadOrUpdate(listener: SchemaListener): ReturnType<ApolloGateway['onSchemaLoadOrUpdate']> {
    const unsubscribe = super.onSchemaLoadOrUpdate(listener);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      unsubscribe();
    };
  }

  /** An equal supergraph keeps its schema object, and with it the documents that were found valid. */
  #swap(supergraphSdl: string, apiSdl: string): void {
    if (supergraphSdl === this.#served) return;
    // The planner's thread has judged it.
    const apiSchema = buildASTSchema(parse(apiSdl, { noLocation: true }), { assumeValid: true, assumeValidSDL: true });
    this.#served = supergraphSdl;
    for (const listener of this.#listeners) listener({ apiSchema, coreSupergraphSdl: supergraphSdl });
  }
}

const UNSUPPORTED_BY_APOLLO = /\/(authenticated|requiresScopes|policy|context)\/v/;

/** Operations may carry what the gateway itself answers, whatever the services declare. */
function toLoadable(supergraphSdl: string): string {
  return withGatewayDirectives(withoutSecurityPurpose(supergraphSdl));
}

/** Apollo's gateway refuses supergraphs that link these features "for: SECURITY", since it cannot honour them; check-access.ts and the planner can. */
function withoutSecurityPurpose(supergraphSdl: string): string {
  if (!/for:\s*SECURITY/.test(supergraphSdl)) return supergraphSdl;
  const withoutPurpose = (directive: ConstDirectiveNode): ConstDirectiveNode => {
    const url = directive.arguments?.find(({ name }) => name.value === 'url')?.value;
    if (directive.name.value !== 'link' || url?.kind !== Kind.STRING || !UNSUPPORTED_BY_APOLLO.test(url.value)) return directive;
    return { ...directive, arguments: directive.arguments?.filter(({ name }) => name.value !== 'for') ?? [] };
  };
  return print(
    visit(parse(supergraphSdl), {
      SchemaDefinition: (node) => ({ ...node, directives: node.directives?.map(withoutPurpose) ?? [] }),
    }),
  );
}
