// Believable data for the console's own tests.
export const USERS = [
  {
    id: 'admin',
    name: 'Ada Lindqvist',
    tenant: 'ten_sluice',
    scopes: [
      'plugins:read',
      'plugins:write',
      'files:read',
      'files:write',
      'operations:read',
      'operations:write',
      'deployment:read',
      'deployment:write',
    ],
  },
  {
    id: 'operator',
    name: 'Omar Haddad',
    tenant: 'ten_sluice',
    scopes: ['operations:read', 'operations:write', 'deployment:read', 'deployment:write'],
  },
  { id: 'viewer', name: 'Vera Novak', tenant: 'ten_acme', scopes: ['plugins:read', 'operations:read', 'files:read'] },
  { id: 'alice', name: 'Alice Moreau', tenant: 'ten_acme', scopes: ['files:read', 'files:write', 'operations:read', 'operations:write'] },
  { id: 'bob', name: 'Bob Okafor', tenant: 'ten_globex', scopes: ['files:read', 'files:write'] },
];

export interface MockPlugin {
  name: string;
  displayName: string;
  description: string;
  publisher: string;
  license: string;
  keywords: string[];
  versions: string[];
  permissions: { permission: string; reason: string }[];
  sdl: string;
  readme: string;
}

const QR_README = `# QR codes for files

Adds \`File.shareQr\` to the graph: a QR code of the file's share link, as SVG.

## What you can ask

\`\`\`graphql
query Share {
  files(first: 3) {
    nodes {
      name
      shareQr(size: 256) { svg }
    }
  }
}
\`\`\`

## Good to know

- Codes are made inside the sandbox; **nothing leaves the gateway**.
- The error correction level is \`M\`, which survives a coffee stain.
- Sizes from 64 to 1024 pixels; others are refused with \`BAD_USER_INPUT\`.

See [the QR code standard](https://www.iso.org/standard/83389.html) for the details.
`;

export const PLUGINS: readonly MockPlugin[] = [
  {
    name: '@sluice/qr-code',
    displayName: 'QR codes',
    description: 'Gives every file a QR code of its share link, as SVG, ready to print or embed.',
    publisher: 'Sluice',
    license: 'MIT',
    keywords: ['files', 'sharing', 'svg'],
    versions: ['1.1.0', '1.0.0'],
    permissions: [{ permission: 'files:read', reason: 'Reads name and id of the file that the code points to.' }],
    sdl: 'extend type File @key(fields: "id") {\n  id: ID! @external\n  name: String! @external\n  "A QR code of the share link."\n  shareQr(size: Int! = 256): QrCode! @requires(fields: "name")\n}\n\ntype QrCode {\n  svg: String!\n  size: Int!\n  text: String!\n}\n',
    readme: QR_README,
  },
  {
    name: '@sluice/word-count',
    displayName: 'Word count',
    description: 'Counts words, lines and reading time of text files, and keeps the numbers up to date.',
    publisher: 'Sluice',
    license: 'MIT',
    keywords: ['files', 'text'],
    versions: ['2.3.1', '2.3.0', '2.0.0'],
    permissions: [
      { permission: 'files:read', reason: 'Reads the text that is counted.' },
      { permission: 'kv:1', reason: 'Keeps the counts, so that a file is read once.' },
    ],
    sdl: 'extend type File @key(fields: "id") {\n  id: ID! @external\n  wordCount: Int\n}\n',
    readme: '# Word count\n\nCounts words.',
  },
  {
    name: '@northwind/translate',
    displayName: 'Translations',
    description: 'Translates file names and descriptions into the language of the tenant, with your own provider account.',
    publisher: 'Northwind Labs',
    license: 'Apache-2.0',
    keywords: ['i18n', 'text', 'ai'],
    versions: ['0.9.4'],
    permissions: [
      { permission: 'files:read', reason: 'Reads names and descriptions of files.' },
      { permission: 'net:api.northwind.example:443', reason: 'Sends the texts to the translation service.' },
      { permission: 'secret:NORTHWIND_KEY', reason: 'Signs in to your account there.' },
    ],
    sdl: 'extend type File @key(fields: "id") {\n  id: ID! @external\n  translatedName(to: String!): String\n}\n',
    readme: '# Translations\n\nTranslates names of files.',
  },
  {
    name: '@fabrikam/thumbnails',
    displayName: 'Thumbnails',
    description: 'Small pictures of images and documents, made when they are first asked for and kept by content.',
    publisher: 'Fabrikam',
    license: 'MIT',
    keywords: ['files', 'images'],
    versions: ['3.0.0', '2.9.2'],
    permissions: [
      { permission: 'files:read', reason: 'Reads the picture that is made smaller.' },
      { permission: 'kv:1', reason: 'Keeps finished thumbnails.' },
    ],
    sdl: 'extend type File @key(fields: "id") {\n  id: ID! @external\n  thumbnail(width: Int! = 128): String\n}\n',
    readme: '# Thumbnails\n\nSmall pictures.',
  },
  {
    name: '@sluice/audit-export',
    displayName: 'Audit export',
    description: 'Turns the audit trail of a tenant into a signed file, by day or by month.',
    publisher: 'Sluice',
    license: 'MIT',
    keywords: ['compliance', 'tenants'],
    versions: ['1.4.2'],
    permissions: [],
    sdl: 'extend type Tenant @key(fields: "id") {\n  id: ID! @external\n  auditExport(month: String!): String\n}\n',
    readme: '# Audit export\n\nSigned files.',
  },
  {
    name: '@contoso/exif',
    displayName: 'Photo facts',
    description: 'Camera, lens, place and time from the photo itself, as typed fields.',
    publisher: 'Contoso Photo',
    license: 'BSD-3-Clause',
    keywords: ['images', 'metadata'],
    versions: ['0.3.0'],
    permissions: [{ permission: 'files:read', reason: 'Reads the first kilobytes of a photo.' }],
    sdl: 'extend type File @key(fields: "id") {\n  id: ID! @external\n  camera: String\n}\n',
    readme: '# Photo facts\n\nCamera and lens.',
  },
];

export const INSTALL_STEPS = [
  { id: 'resolve', label: 'Resolve the version' },
  { id: 'fetch', label: 'Fetch the package' },
  { id: 'verify', label: 'Verify the signature' },
  { id: 'scan', label: 'Scan the code' },
  { id: 'validate', label: 'Validate manifest and schema' },
  { id: 'load', label: 'Load into the sandbox' },
  { id: 'publish', label: 'Publish the new supergraph' },
  { id: 'probe', label: 'Probe the new fields' },
  { id: 'activate', label: 'Mark as active' },
];
