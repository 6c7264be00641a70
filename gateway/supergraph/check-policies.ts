// Every `@timeout` and `@retry` of a service, checked when composing: what they promise must be what happens.
import { type DocumentNode, type FieldDefinitionNode, Kind, print } from 'graphql';
import type { CompositionProblem } from '#schema/contracts/supergraph';
import { readPolicy } from '../planning/policy-directives.js';
import { mutationTypeName } from './check-compensations.js';

export interface PolicyCheck {
  /** TIMEOUT_MALFORMED, RETRY_MALFORMED; RETRY_NOT_IDEMPOTENT: a mutation that may not be sent twice never is, whatever its `@retry` says. */
  problems: CompositionProblem[];
  /** RETRY_WITHOUT_RUN: only runs try again, and `@durable(mode: NEVER)` keeps the field out of them. */
  hints: CompositionProblem[];
}

export function checkPolicies(service: string, document: DocumentNode): PolicyCheck {
  const mutation = mutationTypeName(document);
  const problems: CompositionProblem[] = [];
  const hints: CompositionProblem[] = [];
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.OBJECT_TYPE_EXTENSION) continue;
    for (const field of definition.fields ?? []) {
      const declared = readPolicy(field.directives);
      if (declared === undefined) continue;
      const coordinate = `${definition.name.value}.${field.name.value}`;
      const line = field.loc?.startToken.line;
      const say = (code: string, message: string): CompositionProblem => ({
        code,
        message: `[${service}] ${message}`,
        service,
        coordinate,
        ...(line === undefined ? {} : { line }),
      });
      for (const { directive, problem } of declared.malformed)
        problems.push(say(`${directive.toUpperCase()}_MALFORMED`, `@${directive} on "${coordinate}": ${problem}`));
      if ((declared.policy.retry?.attempts ?? 1) === 1) continue;
      if (definition.name.value === mutation && !has(field, 'idempotent'))
        problems.push(
          say('RETRY_NOT_IDEMPOTENT', `@retry on "${coordinate}": a mutation is sent twice only where @idempotent says that it may be`),
        );
      if (isNever(field))
        hints.push(say('RETRY_WITHOUT_RUN', `@retry on "${coordinate}" has no effect: @durable(mode: NEVER) keeps it out of runs`));
    }
  }
  return { problems, hints };
}

function has({ directives = [] }: FieldDefinitionNode, wanted: string): boolean {
  return directives.some(({ name }) => name.value === wanted);
}

function isNever({ directives = [] }: FieldDefinitionNode): boolean {
  const durable = directives.find(({ name }) => name.value === 'durable');
  const mode = durable?.arguments?.find(({ name }) => name.value === 'mode');
  return mode !== undefined && print(mode.value) === 'NEVER';
}
