import { Alert, Box, Loader, Stack, Text, Title, UnstyledButton } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { ErrorNotice } from '../components/feedback.js';
import { Icon, Logo } from '../icons.js';
import { useServices } from '../services.js';
import { type DevUser, readDevUsers, signInAs } from '../session.js';
import classes from './login.module.css';

type Users = { kind: 'loading' } | { kind: 'ready'; users: readonly DevUser[] } | { kind: 'failed'; message: string };

/** Sign-in of the dev mode: pick one of the demo users. */
export function LoginPage(): ReactNode {
  const { session } = useServices();
  const { to, reason } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const [users, setUsers] = useState<Users>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const [busy, setBusy] = useState<string | null>(null);
  const [failure, setFailure] = useState<string | null>(null);

  useEffect(() => {
    document.title = 'Sign in · Sluice';
    const controller = new AbortController();
    readDevUsers(controller.signal).then(
      (found) => setUsers({ kind: 'ready', users: found }),
      (error: unknown) => {
        if (!controller.signal.aborted) setUsers({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
      },
    );
    return () => controller.abort();
  }, [attempt]);

  async function signIn(user: DevUser): Promise<void> {
    setBusy(user.id);
    setFailure(null);
    try {
      session.signIn(await signInAs(user));
      await navigate({ href: to?.startsWith('/') === true && !to.startsWith('//') ? to : '/', replace: true });
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      setBusy(null);
    }
  }

  return (
    <main className={classes.page}>
      <Box className={classes.card}>
        <Stack gap={4} align="center" mb="lg">
          <Logo size={44} />
          <Title order={1} mt="sm">
            Sign in to Sluice
          </Title>
          <Text c="dimmed" size="sm" ta="center">
            Development mode: choose a demo user
          </Text>
        </Stack>
        {reason === 'expired' && (
          <Alert color="orange" mb="md" icon={<Icon name="clock" />}>
            Your session has ended. Sign in again to go on where you were.
          </Alert>
        )}
        {failure !== null && (
          <Alert color="red" mb="md" icon={<Icon name="alert" />} role="alert">
            {failure}
          </Alert>
        )}
        {users.kind === 'loading' && (
          <Stack align="center" py="xl" role="status" aria-label="Loading">
            <Loader />
          </Stack>
        )}
        {users.kind === 'failed' && (
          <ErrorNotice error={{ code: 'SIGN_IN_UNAVAILABLE', message: `${users.message}.` }} onRetry={() => setAttempt(attempt + 1)} />
        )}
        {users.kind === 'ready' && (
          <ul className={classes.users}>
            {users.users.map((user) => (
              <li key={user.id}>
                <UnstyledButton
                  className={classes.user}
                  disabled={busy !== null}
                  aria-busy={busy === user.id}
                  onClick={() => void signIn(user)}
                >
                  <span className={classes.avatar} aria-hidden="true">
                    {user.name
                      .split(' ')
                      .map((part) => part[0])
                      .join('')
                      .slice(0, 2)}
                  </span>
                  <span className={classes.who}>
                    <span className={classes.name}>{user.name}</span>
                    <span className={classes.about}>
                      {user.tenant} · {roleOf(user)}
                    </span>
                  </span>
                  {busy === user.id ? <Loader size={16} /> : <Icon name="arrowRight" size={16} />}
                </UnstyledButton>
              </li>
            ))}
          </ul>
        )}
      </Box>
    </main>
  );
}

/** The scopes in words. */
function roleOf({ scopes }: DevUser): string {
  if (scopes.includes('plugins:write')) return 'may install plugins';
  if (scopes.includes('deployment:write')) return 'runs the deployment';
  return scopes.some((scope) => scope.endsWith(':write')) ? 'works with files' : 'may only read';
}
