// Writes schema/supergraph.graphql and the API schema that callers see. `--check`: fails when the committed ones differ.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph } from '@apollo/federation-internals';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createComposer } from '#gateway/supergraph/composer';
import { withGatewayDirectives } from '#gateway/supergraph/gateway-directives';
import { readBuiltInServices } from '#gateway/supergraph/service-list';

const composer = createComposer();
const services = await readBuiltInServices();
const { supergraphSdl, hints } = await composer.compose(
  services.map(({ name, sdl, host, path }) => ({ name, sdl, url: `sluice://${host}${path}` })),
);
await composer.close();
for (const { code, message } of hints) console.log(`hint ${code}: ${message}`);

const apiSchema = printSchema(
  lexicographicSortSchema(
    Supergraph.build(withGatewayDirectives(supergraphSdl), { supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES })
      .apiSchema()
      .toGraphQLJSSchema(),
  ),
);
const note = '# Composed from schema/subgraphs by `npm run compose`; do not edit.\n';
const files = [
  { name: 'schema/supergraph.graphql', text: `${note}${supergraphSdl.trim()}\n` },
  { name: 'schema/generated/api.graphql', text: `${note}${apiSchema.trim()}\n` },
];

for (const { name, text } of files) {
  const file = new URL(`../${name}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    await mkdir(new URL('./', file), { recursive: true });
    await writeFile(file, text);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    console.error(`${name} is not what the subgraphs compose to: run \`npm run compose\` and commit it`);
    process.exitCode = 1;
  }
}
