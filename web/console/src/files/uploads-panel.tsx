import { Button, Code, Progress, Text } from '@mantine/core';
import { useOperationClient } from '@sluice/client/react';
import { type ReactNode, useSyncExternalStore } from 'react';
import { Panel } from '../components/page.js';
import { formatBytes } from '../format.js';
import { type Upload, type Uploads, isOver, uploadsOf } from './uploads.js';
import classes from './files.module.css';

/** What is on its way, also from before this page was opened; nothing when there is nothing. */
export function UploadsPanel(): ReactNode {
  const uploads = uploadsOf(useOperationClient());
  const rows = useSyncExternalStore(uploads.subscribe, uploads.get);
  if (rows.length === 0) return null;
  const done = rows.filter(({ phase }) => phase === 'done').length;
  const failed = rows.filter(({ phase }) => phase === 'failed').length;
  return (
    <div className={classes.uploads}>
      <Panel
        title="Uploads"
        flush
        aside={
          <Text size="sm" c="dimmed" role="status">
            {done} of {rows.length} stored{failed > 0 && `, ${failed} failed`}
          </Text>
        }
      >
        <ul className={classes.rows} aria-label="Uploads">
          {rows.map((upload) => (
            <UploadRow key={upload.number} upload={upload} uploads={uploads} />
          ))}
        </ul>
      </Panel>
    </div>
  );
}

const WORDS: Readonly<Record<Upload['phase'], string>> = {
  waiting: 'Waits for the one before',
  sending: 'Sending',
  finishing: 'Becoming a file',
  done: 'Stored',
  failed: 'Failed',
  cancelled: 'Cancelled: nothing of it was kept',
};

function UploadRow({ upload, uploads }: { upload: Upload; uploads: Uploads }): ReactNode {
  const { number, name, size, sent, phase, error } = upload;
  const percent = phase === 'done' || size === 0 ? 100 : Math.floor((sent / size) * 100);
  return (
    <li className={classes.upload}>
      <span className={classes.what}>
        <Text component="span" fw={550} className={classes.name}>
          {name}
        </Text>
        {error === undefined ? (
          <Text component="span" size="xs" c="dimmed" className="numeric">
            {WORDS[phase]}
            {phase === 'sending' ? ` ${formatBytes(sent)} of ${formatBytes(size)}` : ` · ${formatBytes(size)}`}
          </Text>
        ) : (
          <Text component="span" size="xs" role="alert" className={classes.problem}>
            {error.message} <Code>{error.code}</Code>
          </Text>
        )}
        {(phase === 'sending' || phase === 'finishing') && (
          <Progress value={percent} size={5} color="blue" aria-label={`Sent of ${name}`} />
        )}
      </span>
      {(phase === 'waiting' || phase === 'sending') && (
        <Button size="compact-sm" variant="default" onClick={() => uploads.cancel(number)} aria-label={`Cancel the upload of ${name}`}>
          Cancel
        </Button>
      )}
      {(phase === 'failed' || phase === 'cancelled') && (
        <Button size="compact-sm" variant="default" onClick={() => uploads.tryAgain(number)} aria-label={`Try again: ${name}`}>
          Try again
        </Button>
      )}
      {isOver(upload) && (
        <Button size="compact-sm" variant="subtle" onClick={() => uploads.dismiss(number)} aria-label={`Dismiss ${name}`}>
          Dismiss
        </Button>
      )}
    </li>
  );
}
