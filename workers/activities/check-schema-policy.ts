import { type DefinitionNode, type DirectiveNode, Kind, parse, visit } from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { PluginManifest } from '#schema/contracts/plugins';

/** Directives by which a subgraph takes or hides what others own. */
const REFUSED = new Set(['override', 'inaccessible', 'interfaceObject', 'composeDirective']);
const ROOTS = new Set(['Query', 'Mutation']);

/**
 * A plugin adds under its own prefix and to the entities it names; it takes nothing from others.
 *
 * @throws SCHEMA_POLICY_VIOLATION that names every violation; MANIFEST_INVALID when the SDL cannot be read
 */
export function checkSchemaPolicy(sdl: string, { subgraph: { prefix, entities } }: Pick<PluginManifest, 'subgraph'>): void {
  const document = parseSdl(sdl);
  const typePrefix = prefix[0]?.toUpperCase() + prefix.slice(1);
  const violations: string[] = [];
  for (const definition of document.definitions) {
    const name = nameOf(definition);
    if (name === undefined) continue;
    if (name === 'Subscription') violations.push('Subscription: plugins have no subscriptions');
    else if (ROOTS.has(name))
      violations.push(
        ...fieldsOf(definition)
          .filter((field) => !field.startsWith(prefix))
          .map((field) => `${name}.${field}: root fields start with '${prefix}'`),
      );
    else if (!name.startsWith(typePrefix) && !entities.includes(name))
      violations.push(`${name}: own types start with '${typePrefix}', entities are named in plugin.json`);
  }
  visit(document, {
    Directive: (node: DirectiveNode) => {
      if (REFUSED.has(node.name.value)) violations.push(`@${node.name.value} is not for plugins`);
    },
    FieldDefinition: ({ name }) => {
      if (name.value.startsWith('_')) violations.push(`${name.value}: names do not start with '_'`);
    },
  });
  if (violations.length > 0) throw new CodedError('SCHEMA_POLICY_VIOLATION', violations.slice(0, 20).join(' · '));
}

function parseSdl(sdl: string) {
  try {
    return parse(sdl, { maxTokens: 20_000 });
  } catch (cause) {
    throw new CodedError('MANIFEST_INVALID', `schema.graphql: ${(cause as Error).message.slice(0, 200)}`, { cause });
  }
}

function nameOf(definition: DefinitionNode): string | undefined {
  const isType = definition.kind.endsWith('TypeDefinition') || definition.kind.endsWith('TypeExtension');
  return isType && 'name' in definition ? definition.name?.value : undefined;
}

function fieldsOf(definition: DefinitionNode): string[] {
  return definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION
    ? (definition.fields ?? []).map(({ name }) => name.value)
    : [];
}
