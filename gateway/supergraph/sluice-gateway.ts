// Apollo's gateway for what it is good at (loading, API schema, life cycle) with an executor of ours.
import { ApolloGateway } from '@apollo/gateway';
import { type ConstDirectiveNode, Kind, parse, print, visit } from 'graphql';
import type { Logger } from '#platform/logger';
import type { Generations } from './generations.js';
import { withGatewayDirectives } from './gateway-directives.js';

export type GatewayExecutor = ApolloGateway['executor'];

export class SluiceGateway extends ApolloGateway {
  override executor: GatewayExecutor;
  readonly #generations: Generations;
  #update: ((supergraphSdl: string) => void) | undefined;

  /** Telemetry must be off before: set APOLLO_TELEMETRY_DISABLED. */
  constructor({ generations, executor, log }: { generations: Generations; executor: GatewayExecutor; log: Logger }) {
    super({
      supergraphSdl: {
        initialize: async ({ update }) => {
          this.#update = update;
          const { supergraphSdl } = await generations.open();
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
    // Only now: an update that overtook the first generation would be undone by it.
    this.#generations.follow(({ supergraphSdl }) => this.#update?.(toLoadable(supergraphSdl)));
    return loaded;
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
