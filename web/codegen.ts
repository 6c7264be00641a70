// Typed documents of the console. Resolver types have their own configuration at the root.
import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: 'schema/generated/api.graphql',
  documents: ['web/console/src/**/*.{ts,tsx}', '!web/console/src/generated/**'],
  generates: {
    'web/console/src/generated/': {
      preset: 'client',
      presetConfig: {
        fragmentMasking: { unmaskFunctionName: 'readFragment' },
        // The manifest of trusted documents, persisted-documents.json.
        persistedDocuments: { hashAlgorithm: 'sha256' },
      },
      config: {
        enumsAsTypes: true,
        strictScalars: true,
        useTypeImports: true,
        scalars: { ID: 'string', DateTime: 'string', ByteSize: 'number', Base64: 'string', Upload: 'string', JSON: 'unknown' },
      },
    },
  },
};

export default config;
