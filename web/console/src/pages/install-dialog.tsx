import { Alert, Button, Checkbox, Code, Group, Stack, Text } from '@mantine/core';
import { useOperationMutation } from '@sluice/client/react';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { Dialog } from '../components/dialog.js';
import { PermissionList } from '../components/permissions.js';
import { PluginMark } from '../components/plugin-mark.js';
import type { InstallPluginMutation, PluginVersionFactsFragment } from '../generated/graphql.js';
import { Icon } from '../icons.js';
import { InstallPlugin } from '../queries.js';
import classes from './plugin.module.css';

export interface InstallDialogProps {
  plugin: { name: string; displayName: string; publisher: string };
  version: PluginVersionFactsFragment;
  opened: boolean;
  onClose: () => void;
}

const pickInstall = ({ installPlugin }: InstallPluginMutation): InstallPluginMutation['installPlugin'] => installPlugin;

/** Shows what a version asks for; agreeing starts the installation and leads to its operation. */
export function InstallDialog({ plugin, version, opened, onClose }: InstallDialogProps): ReactNode {
  const navigate = useNavigate();
  const [agreed, setAgreed] = useState(false);
  const { start, starting, userErrors, error } = useOperationMutation(InstallPlugin, { pick: pickInstall });
  const asks = version.permissions.length > 0;
  const problems = error === undefined ? userErrors : [error];

  async function install(): Promise<void> {
    const grantedPermissions = version.permissions.map(({ permission }) => permission);
    const { id } = await start({ input: { name: plugin.name, version: version.version, grantedPermissions } });
    if (id !== null) await navigate({ to: '/operations/$id', params: { id } });
  }

  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      size="lg"
      title={
        <span className={classes.dialogHead}>
          <PluginMark name={plugin.name} size={38} />
          <span>
            <Text component="span" display="block" fw={650}>
              Install {plugin.displayName} {version.version}
            </Text>
            <Text component="span" display="block" size="xs" c="dimmed">
              {plugin.name} · published by {plugin.publisher}
            </Text>
          </span>
        </span>
      }
    >
      <Stack gap="md">
        <Text size="sm">{asks ? 'This version asks for the following. It gets nothing else.' : 'This version needs no permission.'}</Text>
        <PermissionList permissions={version.permissions} />
        <Text size="sm" c="dimmed">
          Its signature is verified and its code scanned before it is loaded. If a step fails, everything before it is undone.
        </Text>
        {problems.map(({ code, message }) => (
          <Alert key={code} color="red" icon={<Icon name="alert" />} role="alert">
            {message} <Code>{code}</Code>
          </Alert>
        ))}
        {asks && (
          <Checkbox
            checked={agreed}
            onChange={({ currentTarget }) => setAgreed(currentTarget.checked)}
            label="Grant these permissions"
            data-autofocus
          />
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Not now
          </Button>
          <Button
            onClick={() => void install()}
            loading={starting}
            disabled={asks && !agreed}
            leftSection={<Icon name="download" size={16} />}
          >
            {error?.retryable === true ? 'Try again' : 'Install'}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
