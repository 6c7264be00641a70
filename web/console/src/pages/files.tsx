import { Alert, Button, Code, FileButton, Group, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useOperationClient } from '@sluice/client/react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type DragEvent, type ReactNode, useEffect, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { ErrorNotice, Notice, RowsSkeleton, type ShownError, toShownError } from '../components/feedback.js';
import { MemberName } from '../components/member-name.js';
import { Page, Panel } from '../components/page.js';
import { TenantName } from '../components/tenant-name.js';
import { RelativeTime } from '../components/time.js';
import { DeleteDialog } from '../files/delete-dialog.js';
import { MAX_UPLOADS, uploadsOf } from '../files/uploads.js';
import { UploadsPanel } from '../files/uploads-panel.js';
import classes from '../files/files.module.css';
import { formatBytes } from '../format.js';
import type { FilesQuery } from '../generated/graphql.js';
import { Icon } from '../icons.js';
import { FileLink, Files } from '../queries.js';
import { useSession } from '../services.js';

const PAGE = 25;
type FileRowData = FilesQuery['files']['nodes'][number];

interface Paging {
  /** Another search begins at its first page. */
  readonly of: string | undefined;
  readonly after: string | null;
  /** Where each page before this one began. */
  readonly before: readonly (string | null)[];
}

export function FilesPage(): ReactNode {
  const { q: search } = useSearch({ from: '/shell/files' });
  const uploads = uploadsOf(useOperationClient());
  const mayWrite = useSession()?.user.scopes.includes('files:write') ?? false;
  const [paging, setPaging] = useState<Paging>({ of: search, after: null, before: [] });
  const { after, before } = paging.of === search ? paging : { after: null, before: [] };
  const [deleting, setDeleting] = useState<FileRowData | null>(null);
  const [notTaken, setNotTaken] = useState(0);
  const [problem, setProblem] = useState<ShownError | null>(null);
  const [isOver, setOver] = useState(false);
  const [{ data, error, fetching, stale }, read] = useQuery({
    query: Files,
    variables: { first: PAGE, after, filter: search === undefined ? null : { nameContains: search } },
    requestPolicy: 'cache-and-network',
  });
  useEffect(() => uploads.onStored(() => read({ requestPolicy: 'network-only' })), [uploads, read]);

  const add = (files: readonly File[]): void => {
    if (files.length > 0) setNotTaken(uploads.add(files));
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    if (mayWrite) add([...event.dataTransfer.files]);
  };
  const nodes = data?.files.nodes ?? [];
  const total = data?.files.totalCount;

  return (
    <Page
      title="Files"
      lead="What the services keep for the members of your tenant. Drop files here, or choose them."
      actions={
        <FileButton onChange={add} multiple disabled={!mayWrite}>
          {(props) => (
            <Button
              {...props}
              disabled={!mayWrite}
              aria-describedby={mayWrite ? undefined : 'no-upload'}
              leftSection={<Icon name="upload" size={16} />}
            >
              Upload files
            </Button>
          )}
        </FileButton>
      }
    >
      <div
        className={classes.drop}
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(mayWrite);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <Group gap="sm" className={classes.bar}>
          <Search value={search} />
          {total !== undefined && (
            <Text size="sm" c="dimmed" role="status">
              {total === 1 ? '1 file' : `${total} files`}
            </Text>
          )}
        </Group>
        {!mayWrite && (
          <Text id="no-upload" size="sm" c="dimmed" mb="md" className={classes.reason}>
            <Icon name="shield" size={14} /> Your account may look, not change: it lacks the scope files:write.
          </Text>
        )}
        {notTaken > 0 && (
          <Alert
            color="orange"
            mb="md"
            icon={<Icon name="alert" />}
            role="alert"
            withCloseButton
            onClose={() => setNotTaken(0)}
            closeButtonLabel="Dismiss"
          >
            {notTaken} were not taken: at most {MAX_UPLOADS} wait at a time.
          </Alert>
        )}
        {problem !== null && (
          <Alert
            color="red"
            mb="md"
            icon={<Icon name="alert" />}
            role="alert"
            withCloseButton
            onClose={() => setProblem(null)}
            closeButtonLabel="Dismiss"
          >
            {problem.message} <Code>{problem.code}</Code>
          </Alert>
        )}
        <UploadsPanel />
        <Panel flush>
          {data === undefined && fetching && <RowsSkeleton rows={8} height={64} />}
          {data === undefined && error !== undefined && (
            <ErrorNotice error={toShownError(error)} onRetry={() => read({ requestPolicy: 'network-only' })} />
          )}
          {data !== undefined && nodes.length === 0 && (
            <Notice icon={search === undefined ? 'file' : 'search'} title={search === undefined ? 'No files yet' : 'No file matches'}>
              {search === undefined ? 'What is uploaded here, or stored by a mutation, is in this list.' : `No name contains “${search}”.`}
            </Notice>
          )}
          {nodes.length > 0 && (
            <ul className={classes.rows} aria-label="Files" aria-busy={stale}>
              {nodes.map((file) => (
                <FileRow key={file.id} file={file} mayWrite={mayWrite} onDelete={setDeleting} onProblem={setProblem} />
              ))}
            </ul>
          )}
        </Panel>
        {(before.length > 0 || data?.files.pageInfo.hasNextPage === true) && (
          <Group justify="center" mt="lg" gap="sm">
            <Button
              variant="default"
              disabled={before.length === 0}
              onClick={() => setPaging({ of: search, after: before.at(-1) ?? null, before: before.slice(0, -1) })}
            >
              Newer
            </Button>
            <Button
              variant="default"
              disabled={data?.files.pageInfo.hasNextPage !== true}
              onClick={() => setPaging({ of: search, after: data?.files.pageInfo.endCursor ?? null, before: [...before, after] })}
            >
              Older
            </Button>
          </Group>
        )}
      </div>
      <DeleteDialog file={deleting} onClose={() => setDeleting(null)} onDeleted={() => read({ requestPolicy: 'network-only' })} />
    </Page>
  );
}

function Search({ value }: { value: string | undefined }): ReactNode {
  const navigate = useNavigate({ from: '/files' });
  const [text, setText] = useState(value ?? '');
  const search = useDebouncedCallback(
    (next: string) => void navigate({ search: { q: next === '' ? undefined : next }, replace: true }),
    250,
  );
  return (
    <TextInput
      type="search"
      aria-label="Search files by name"
      placeholder="Search by name"
      leftSection={<Icon name="search" size={16} />}
      value={text}
      onChange={({ currentTarget }) => {
        setText(currentTarget.value);
        search(currentTarget.value);
      }}
      className={classes.search}
    />
  );
}

function FileRow({
  file,
  mayWrite,
  onDelete,
  onProblem,
}: {
  file: FileRowData;
  mayWrite: boolean;
  onDelete: (file: FileRowData) => void;
  onProblem: (problem: ShownError) => void;
}): ReactNode {
  const urql = useClient();
  const tenant = useSession()?.user.tenant;

  /** The link is good for minutes, so it is asked for when it is wanted. */
  async function download(): Promise<void> {
    const { data, error } = await urql.query(FileLink, { id: file.id }, { requestPolicy: 'network-only' }).toPromise();
    if (error !== undefined) return onProblem(toShownError(error));
    if (data?.file == null) return onProblem({ code: 'NOT_FOUND', message: `${file.name} is not there any more.` });
    const link = document.createElement('a');
    link.href = data.file.downloadUrl;
    link.download = file.name;
    link.click();
  }

  return (
    <li className={classes.file}>
      <span className={classes.mark}>
        <Icon name="file" />
      </span>
      <span className={classes.what}>
        <Text component="span" fw={550} className={classes.name}>
          {file.name}
        </Text>
        <Text component="span" size="xs" c="dimmed">
          {file.mediaType}
          {file.owner != null && (
            <>
              {' · '}
              <MemberName id={file.owner.id} />
            </>
          )}
          {file.tenant.id !== tenant && (
            <>
              {' of '}
              <TenantName id={file.tenant.id} />
            </>
          )}
        </Text>
      </span>
      <Text component="span" size="sm" className={`${classes.size ?? ''} numeric`}>
        {formatBytes(file.size)}
      </Text>
      <Text component="span" size="sm" c="dimmed" className={classes.when}>
        <RelativeTime time={file.createdAt} />
      </Text>
      <Group gap={6} wrap="nowrap" className={classes.actions}>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Icon name="download" size={14} />}
          onClick={() => void download()}
          aria-label={`Download ${file.name}`}
        >
          Download
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Icon name="trash" size={14} />}
          disabled={!mayWrite}
          aria-describedby={mayWrite ? undefined : 'no-upload'}
          onClick={() => onDelete(file)}
          aria-label={`Delete ${file.name}`}
        >
          Delete
        </Button>
      </Group>
    </li>
  );
}
