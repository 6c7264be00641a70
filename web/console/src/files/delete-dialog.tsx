import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { useOperationClient } from '@sluice/client/react';
import { type ReactNode, useState } from 'react';
import { Dialog } from '../components/dialog.js';
import type { ShownError } from '../components/feedback.js';
import { Icon } from '../icons.js';
import { DeleteFile } from '../queries.js';
import { sendOnce } from './send-once.js';

/** Asks once more. The list is read again when the service has said that the file is gone. */
export function DeleteDialog({
  file,
  onClose,
  onDeleted,
}: {
  file: { id: string; name: string } | null;
  onClose: () => void;
  onDeleted: () => void;
}): ReactNode {
  return (
    <Dialog opened={file !== null} onClose={onClose} title={<Text fw={650}>Delete this file?</Text>}>
      {file !== null && <Confirm file={file} onClose={onClose} onDeleted={onDeleted} />}
    </Dialog>
  );
}

function Confirm({
  file,
  onClose,
  onDeleted,
}: {
  file: { id: string; name: string };
  onClose: () => void;
  onDeleted: () => void;
}): ReactNode {
  const client = useOperationClient();
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<ShownError | null>(null);

  async function send(): Promise<void> {
    setSending(true);
    setProblem(null);
    try {
      await sendOnce(client, `delete ${file.id}`, DeleteFile, { id: file.id });
      onDeleted();
      onClose();
    } catch (error) {
      setProblem(error as ShownError);
      setSending(false);
    }
  }

  return (
    <Stack gap="md">
      <Text size="sm">
        <strong>{file.name}</strong> will be gone for everybody of its tenant, and cannot be brought back.
      </Text>
      {problem !== null && (
        <Alert color="red" icon={<Icon name="alert" />} role="alert">
          {problem.message} <Code>{problem.code}</Code>
        </Alert>
      )}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          Keep it
        </Button>
        <Button color="red" loading={sending} onClick={() => void send()}>
          Delete
        </Button>
      </Group>
    </Stack>
  );
}
