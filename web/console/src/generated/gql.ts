/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query Marketplace($first: Int!, $after: String, $filter: PluginFilter) {\n    plugins(first: $first, after: $after, filter: $filter) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n      nodes {\n        id\n        name\n        displayName\n        description\n        publisher\n        keywords\n        latest {\n          id\n          version\n        }\n        installation {\n          ...InstallationState\n        }\n      }\n    }\n  }\n": typeof types.MarketplaceDocument,
    "\n  fragment InstallationState on PluginInstallation {\n    id\n    phase\n    generation\n    installedAt\n    grantedPermissions\n    version {\n      id\n      version\n    }\n    operation {\n      id\n    }\n  }\n": typeof types.InstallationStateFragmentDoc,
    "\n  query PluginPage($name: String!) {\n    plugin(name: $name) {\n      id\n      name\n      displayName\n      description\n      publisher\n      license\n      keywords\n      latest {\n        id\n      }\n      versions(first: 20) {\n        totalCount\n        nodes {\n          ...PluginVersionFacts\n        }\n      }\n      installation {\n        ...InstallationState\n      }\n    }\n  }\n": typeof types.PluginPageDocument,
    "\n  fragment PluginVersionFacts on PluginVersion {\n    id\n    version\n    digest\n    size\n    sdl\n    readme\n    publishedAt\n    publishedBy {\n      id\n    }\n    permissions {\n      permission\n      reason\n    }\n  }\n": typeof types.PluginVersionFactsFragmentDoc,
    "\n  query InstalledPlugins {\n    pluginInstallations(first: 50) {\n      totalCount\n      nodes {\n        ...InstallationState\n        plugin {\n          id\n          name\n          displayName\n        }\n      }\n    }\n  }\n": typeof types.InstalledPluginsDocument,
    "\n  mutation InstallPlugin($input: InstallPluginInput!) {\n    installPlugin(input: $input) {\n      operation {\n        id\n      }\n      userErrors {\n        code\n        message\n        path\n        retryable\n      }\n    }\n  }\n": typeof types.InstallPluginDocument,
    "\n  query Files($first: Int!, $after: String, $filter: FileFilter) {\n    files(first: $first, after: $after, filter: $filter) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n      nodes {\n        id\n        name\n        mediaType\n        size\n        createdAt\n        owner {\n          id\n        }\n        tenant {\n          id\n        }\n      }\n    }\n  }\n": typeof types.FilesDocument,
    "\n  query FileLink($id: ID!) {\n    file(id: $id) {\n      id\n      downloadUrl\n    }\n  }\n": typeof types.FileLinkDocument,
    "\n  mutation CreateUpload($size: ByteSize!) {\n    createUpload(input: { size: $size }) {\n      upload\n      url\n    }\n  }\n": typeof types.CreateUploadDocument,
    "\n  mutation UploadFile($input: UploadFileInput!) {\n    uploadFile(input: $input) {\n      id\n    }\n  }\n": typeof types.UploadFileDocument,
    "\n  mutation DeleteFile($id: ID!) {\n    deleteFile(id: $id)\n  }\n": typeof types.DeleteFileDocument,
    "\n  query TenantName($id: ID!) {\n    tenant(id: $id) {\n      id\n      name\n    }\n  }\n": typeof types.TenantNameDocument,
    "\n  query MemberName($id: ID!) {\n    member(id: $id) {\n      id\n      name\n    }\n  }\n": typeof types.MemberNameDocument,
};
const documents: Documents = {
    "\n  query Marketplace($first: Int!, $after: String, $filter: PluginFilter) {\n    plugins(first: $first, after: $after, filter: $filter) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n      nodes {\n        id\n        name\n        displayName\n        description\n        publisher\n        keywords\n        latest {\n          id\n          version\n        }\n        installation {\n          ...InstallationState\n        }\n      }\n    }\n  }\n": types.MarketplaceDocument,
    "\n  fragment InstallationState on PluginInstallation {\n    id\n    phase\n    generation\n    installedAt\n    grantedPermissions\n    version {\n      id\n      version\n    }\n    operation {\n      id\n    }\n  }\n": types.InstallationStateFragmentDoc,
    "\n  query PluginPage($name: String!) {\n    plugin(name: $name) {\n      id\n      name\n      displayName\n      description\n      publisher\n      license\n      keywords\n      latest {\n        id\n      }\n      versions(first: 20) {\n        totalCount\n        nodes {\n          ...PluginVersionFacts\n        }\n      }\n      installation {\n        ...InstallationState\n      }\n    }\n  }\n": types.PluginPageDocument,
    "\n  fragment PluginVersionFacts on PluginVersion {\n    id\n    version\n    digest\n    size\n    sdl\n    readme\n    publishedAt\n    publishedBy {\n      id\n    }\n    permissions {\n      permission\n      reason\n    }\n  }\n": types.PluginVersionFactsFragmentDoc,
    "\n  query InstalledPlugins {\n    pluginInstallations(first: 50) {\n      totalCount\n      nodes {\n        ...InstallationState\n        plugin {\n          id\n          name\n          displayName\n        }\n      }\n    }\n  }\n": types.InstalledPluginsDocument,
    "\n  mutation InstallPlugin($input: InstallPluginInput!) {\n    installPlugin(input: $input) {\n      operation {\n        id\n      }\n      userErrors {\n        code\n        message\n        path\n        retryable\n      }\n    }\n  }\n": types.InstallPluginDocument,
    "\n  query Files($first: Int!, $after: String, $filter: FileFilter) {\n    files(first: $first, after: $after, filter: $filter) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n      nodes {\n        id\n        name\n        mediaType\n        size\n        createdAt\n        owner {\n          id\n        }\n        tenant {\n          id\n        }\n      }\n    }\n  }\n": types.FilesDocument,
    "\n  query FileLink($id: ID!) {\n    file(id: $id) {\n      id\n      downloadUrl\n    }\n  }\n": types.FileLinkDocument,
    "\n  mutation CreateUpload($size: ByteSize!) {\n    createUpload(input: { size: $size }) {\n      upload\n      url\n    }\n  }\n": types.CreateUploadDocument,
    "\n  mutation UploadFile($input: UploadFileInput!) {\n    uploadFile(input: $input) {\n      id\n    }\n  }\n": types.UploadFileDocument,
    "\n  mutation DeleteFile($id: ID!) {\n    deleteFile(id: $id)\n  }\n": types.DeleteFileDocument,
    "\n  query TenantName($id: ID!) {\n    tenant(id: $id) {\n      id\n      name\n    }\n  }\n": types.TenantNameDocument,
    "\n  query MemberName($id: ID!) {\n    member(id: $id) {\n      id\n      name\n    }\n  }\n": types.MemberNameDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Marketplace($first: Int!, $after: String, $filter: PluginFilter) {\n    plugins(first: $first, after: $after, filter: $filter) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n      nodes {\n        id\n        name\n        displayName\n        description\n        publisher\n        keywords\n        latest {\n          id\n          version\n        }\n        installation {\n          ...InstallationState\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Marketplace($first: Int!, $after: String, $filter: PluginFilter) {\n    plugins(first: $first, after: $after, filter: $filter) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n      nodes {\n        id\n        name\n        displayName\n        description\n        publisher\n        keywords\n        latest {\n          id\n          version\n        }\n        installation {\n          ...InstallationState\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment InstallationState on PluginInstallation {\n    id\n    phase\n    generation\n    installedAt\n    grantedPermissions\n    version {\n      id\n      version\n    }\n    operation {\n      id\n    }\n  }\n"): (typeof documents)["\n  fragment InstallationState on PluginInstallation {\n    id\n    phase\n    generation\n    installedAt\n    grantedPermissions\n    version {\n      id\n      version\n    }\n    operation {\n      id\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query PluginPage($name: String!) {\n    plugin(name: $name) {\n      id\n      name\n      displayName\n      description\n      publisher\n      license\n      keywords\n      latest {\n        id\n      }\n      versions(first: 20) {\n        totalCount\n        nodes {\n          ...PluginVersionFacts\n        }\n      }\n      installation {\n        ...InstallationState\n      }\n    }\n  }\n"): (typeof documents)["\n  query PluginPage($name: String!) {\n    plugin(name: $name) {\n      id\n      name\n      displayName\n      description\n      publisher\n      license\n      keywords\n      latest {\n        id\n      }\n      versions(first: 20) {\n        totalCount\n        nodes {\n          ...PluginVersionFacts\n        }\n      }\n      installation {\n        ...InstallationState\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment PluginVersionFacts on PluginVersion {\n    id\n    version\n    digest\n    size\n    sdl\n    readme\n    publishedAt\n    publishedBy {\n      id\n    }\n    permissions {\n      permission\n      reason\n    }\n  }\n"): (typeof documents)["\n  fragment PluginVersionFacts on PluginVersion {\n    id\n    version\n    digest\n    size\n    sdl\n    readme\n    publishedAt\n    publishedBy {\n      id\n    }\n    permissions {\n      permission\n      reason\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query InstalledPlugins {\n    pluginInstallations(first: 50) {\n      totalCount\n      nodes {\n        ...InstallationState\n        plugin {\n          id\n          name\n          displayName\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query InstalledPlugins {\n    pluginInstallations(first: 50) {\n      totalCount\n      nodes {\n        ...InstallationState\n        plugin {\n          id\n          name\n          displayName\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation InstallPlugin($input: InstallPluginInput!) {\n    installPlugin(input: $input) {\n      operation {\n        id\n      }\n      userErrors {\n        code\n        message\n        path\n        retryable\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation InstallPlugin($input: InstallPluginInput!) {\n    installPlugin(input: $input) {\n      operation {\n        id\n      }\n      userErrors {\n        code\n        message\n        path\n        retryable\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Files($first: Int!, $after: String, $filter: FileFilter) {\n    files(first: $first, after: $after, filter: $filter) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n      nodes {\n        id\n        name\n        mediaType\n        size\n        createdAt\n        owner {\n          id\n        }\n        tenant {\n          id\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Files($first: Int!, $after: String, $filter: FileFilter) {\n    files(first: $first, after: $after, filter: $filter) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n      nodes {\n        id\n        name\n        mediaType\n        size\n        createdAt\n        owner {\n          id\n        }\n        tenant {\n          id\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query FileLink($id: ID!) {\n    file(id: $id) {\n      id\n      downloadUrl\n    }\n  }\n"): (typeof documents)["\n  query FileLink($id: ID!) {\n    file(id: $id) {\n      id\n      downloadUrl\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateUpload($size: ByteSize!) {\n    createUpload(input: { size: $size }) {\n      upload\n      url\n    }\n  }\n"): (typeof documents)["\n  mutation CreateUpload($size: ByteSize!) {\n    createUpload(input: { size: $size }) {\n      upload\n      url\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UploadFile($input: UploadFileInput!) {\n    uploadFile(input: $input) {\n      id\n    }\n  }\n"): (typeof documents)["\n  mutation UploadFile($input: UploadFileInput!) {\n    uploadFile(input: $input) {\n      id\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteFile($id: ID!) {\n    deleteFile(id: $id)\n  }\n"): (typeof documents)["\n  mutation DeleteFile($id: ID!) {\n    deleteFile(id: $id)\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TenantName($id: ID!) {\n    tenant(id: $id) {\n      id\n      name\n    }\n  }\n"): (typeof documents)["\n  query TenantName($id: ID!) {\n    tenant(id: $id) {\n      id\n      name\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MemberName($id: ID!) {\n    member(id: $id) {\n      id\n      name\n    }\n  }\n"): (typeof documents)["\n  query MemberName($id: ID!) {\n    member(id: $id) {\n      id\n      name\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;