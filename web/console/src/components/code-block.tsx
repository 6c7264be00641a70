import { CopyButton, Group, Tooltip, UnstyledButton } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon } from '../icons.js';
import classes from './code-block.module.css';

/** Text to read, copy or save. */
export function CodeBlock({ text, label, fileName }: { text: string; label: string; fileName?: string }): ReactNode {
  return (
    <div className={classes.block}>
      <Group gap={4} className={classes.tools}>
        <CopyButton value={text} timeout={1_500}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? 'Copied' : 'Copy'} withArrow>
              <UnstyledButton onClick={copy} className={classes.tool} aria-label={`Copy ${label}`}>
                <Icon name={copied ? 'check' : 'copy'} size={15} />
              </UnstyledButton>
            </Tooltip>
          )}
        </CopyButton>
        {fileName !== undefined && (
          <Tooltip label="Download" withArrow>
            <UnstyledButton onClick={() => save(text, fileName)} className={classes.tool} aria-label={`Download ${label}`}>
              <Icon name="download" size={15} />
            </UnstyledButton>
          </Tooltip>
        )}
      </Group>
      <pre tabIndex={0} role="region" aria-label={label} className={classes.text}>
        {text}
      </pre>
    </div>
  );
}

function save(text: string, fileName: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
