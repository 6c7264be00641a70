// Every document asks one service only: such an answer is a direct call. With a second service each page view would be a
// durable run, and appear in the list of operations.
import { graphql } from './generated/index.js';

export const Marketplace = graphql(`
  query Marketplace($first: Int!, $after: String, $filter: PluginFilter) {
    plugins(first: $first, after: $after, filter: $filter) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        name
        displayName
        description
        publisher
        keywords
        latest {
          id
          version
        }
        installation {
          ...InstallationState
        }
      }
    }
  }
`);

export const InstallationState = graphql(`
  fragment InstallationState on PluginInstallation {
    id
    phase
    generation
    installedAt
    grantedPermissions
    version {
      id
      version
    }
    operation {
      id
    }
  }
`);

export const PluginPage = graphql(`
  query PluginPage($name: String!) {
    plugin(name: $name) {
      id
      name
      displayName
      description
      publisher
      license
      keywords
      latest {
        id
      }
      versions(first: 20) {
        totalCount
        nodes {
          ...PluginVersionFacts
        }
      }
      installation {
        ...InstallationState
      }
    }
  }
`);

export const PluginVersionFacts = graphql(`
  fragment PluginVersionFacts on PluginVersion {
    id
    version
    digest
    size
    sdl
    readme
    publishedAt
    publishedBy {
      id
    }
    permissions {
      permission
      reason
    }
  }
`);

export const InstalledPlugins = graphql(`
  query InstalledPlugins {
    pluginInstallations(first: 50) {
      totalCount
      nodes {
        ...InstallationState
        plugin {
          id
          name
          displayName
        }
      }
    }
  }
`);

export const InstallPlugin = graphql(`
  mutation InstallPlugin($input: InstallPluginInput!) {
    installPlugin(input: $input) {
      operation {
        id
      }
      userErrors {
        code
        message
        path
        retryable
      }
    }
  }
`);

export const Files = graphql(`
  query Files($first: Int!, $after: String, $filter: FileFilter) {
    files(first: $first, after: $after, filter: $filter) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        name
        mediaType
        size
        createdAt
        owner {
          id
        }
        tenant {
          id
        }
      }
    }
  }
`);

export const FileLink = graphql(`
  query FileLink($id: ID!) {
    file(id: $id) {
      id
      downloadUrl
    }
  }
`);

export const CreateUpload = graphql(`
  mutation CreateUpload($size: ByteSize!) {
    createUpload(input: { size: $size }) {
      upload
      url
    }
  }
`);

export const UploadFile = graphql(`
  mutation UploadFile($input: UploadFileInput!) {
    uploadFile(input: $input) {
      id
    }
  }
`);

export const DeleteFile = graphql(`
  mutation DeleteFile($id: ID!) {
    deleteFile(id: $id)
  }
`);

export const TenantName = graphql(`
  query TenantName($id: ID!) {
    tenant(id: $id) {
      id
      name
    }
  }
`);

export const MemberName = graphql(`
  query MemberName($id: ID!) {
    member(id: $id) {
      id
      name
    }
  }
`);
